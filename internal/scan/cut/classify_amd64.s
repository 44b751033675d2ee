#include "textflag.h"

// SIXTEEN compares sixteen bytes and puts a bit for each equal one into Q, S and
// B. X8 to X11 hold '"', '\\', 0x26 and 0x7f in every byte.
#define SIXTEEN(at, Q, S, B) \
	MOVOU at(SI), X0   \
	MOVOU X0, X1       \
	MOVOU X0, X2       \
	PCMPEQB X8, X0     \
	PCMPEQB X9, X1     \
	POR X10, X2        \
	PCMPEQB X11, X2    \
	PMOVMSKB X0, Q     \
	PMOVMSKB X1, S     \
	PMOVMSKB X2, B

// ADD puts the bits of Q, S and B in front of those of R8, R9 and R10.
#define ADD(shift, Q, S, B) \
	SHLQ shift, Q      \
	SHLQ shift, S      \
	SHLQ shift, B      \
	ORQ Q, R8          \
	ORQ S, R9          \
	ORQ B, R10

#define SPREAD(byte, X) \
	MOVQ byte, AX      \
	MOVQ AX, X         \
	PUNPCKLQDQ X, X

// func classify(b *[64]byte) (quotes, slashes, brackets uint64)
TEXT ·classify(SB), NOSPLIT, $0-32
	MOVQ b+0(FP), SI
	SPREAD($0x2222222222222222, X8)
	SPREAD($0x5c5c5c5c5c5c5c5c, X9)
	SPREAD($0x2626262626262626, X10)
	SPREAD($0x7f7f7f7f7f7f7f7f, X11)
	SIXTEEN(0, R8, R9, R10)
	SIXTEEN(16, AX, BX, CX)
	ADD($16, AX, BX, CX)
	SIXTEEN(32, AX, BX, CX)
	ADD($32, AX, BX, CX)
	SIXTEEN(48, AX, BX, CX)
	ADD($48, AX, BX, CX)
	MOVQ R8, quotes+8(FP)
	MOVQ R9, slashes+16(FP)
	MOVQ R10, brackets+24(FP)
	RET
