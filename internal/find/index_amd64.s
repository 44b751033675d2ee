#include "textflag.h"

#define SPREAD(X) \
	IMULQ  $0x01010101, AX \
	MOVD   AX, X           \
	PSHUFL $0, X, X

// func indexPair(b []byte, distance int, one, other byte) int
//
// Sixteen places are looked at at once: those with the one byte, and those with
// the other byte so far behind them.
TEXT ·indexPair(SB), NOSPLIT, $0-48
	MOVQ   b_base+0(FP), SI
	MOVQ   b_len+8(FP), CX
	MOVQ   distance+24(FP), DX
	MOVBLZX one+32(FP), AX
	SPREAD(X4)
	MOVBLZX other+33(FP), AX
	SPREAD(X5)
	MOVQ   SI, DI
	ADDQ   CX, DI
	SUBQ   DX, DI        // behind the last place
	SUBQ   $32, DI       // the last one where 32 can be looked at
	MOVQ   SI, R8
	CMPQ   R8, DI
	JHI    none

loop:
	MOVOU   (R8), X0
	MOVOU   16(R8), X1
	MOVOU   (R8)(DX*1), X2
	MOVOU   16(R8)(DX*1), X3
	PCMPEQB X4, X0
	PCMPEQB X4, X1
	PCMPEQB X5, X2
	PCMPEQB X5, X3
	PAND    X2, X0
	PAND    X3, X1
	PMOVMSKB X0, AX
	PMOVMSKB X1, BX
	SHLQ    $16, BX
	ORQ     BX, AX
	JNE     found
	ADDQ    $32, R8
	CMPQ    R8, DI
	JLS     loop

none:
	// What is left is for the caller.
	SUBQ SI, R8
	NOTQ R8
	MOVQ R8, ret+40(FP)
	RET

found:
	BSFQ AX, AX
	SUBQ SI, R8
	ADDQ R8, AX
	MOVQ AX, ret+40(FP)
	RET
