package objects

import (
	"os"
	"strconv"
)

// socketPath names the socket in dir by the open folder, because a socket's
// path is limited to 107 bytes and data folders can be deep.
func socketPath(_ string, folder *os.File) string {
	return "/proc/self/fd/" + strconv.Itoa(int(folder.Fd())) + "/s3.sock"
}
