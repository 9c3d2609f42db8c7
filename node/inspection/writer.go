package inspection

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Writer is a process that writes a run.
type Writer struct {
	PID int `json:"pid"`
	// Command is how it was called, "" where that is not known.
	Command string `json:"command"`
}

// lockName is the file in a run folder that its writer locks.
const lockName = ".lock"

// writerOf returns the process that holds the lock of a run folder, nil for none, and whether the
// system tells. It takes no lock itself, not even for a moment: a node that starts just then must not
// be refused. Linux lists all locks in /proc/locks.
func writerOf(dir string) (w *Writer, known bool) {
	info, err := os.Stat(filepath.Join(dir, lockName))
	if os.IsNotExist(err) {
		return nil, true
	}
	if err != nil {
		return nil, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, false
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return nil, false
	}
	defer locks.Close()
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// "1: FLOCK  ADVISORY  WRITE 708 08:01:131 0 EOF"; one that waits has "->" behind the number.
		words := strings.Fields(lines.Text())
		if len(words) < 6 || words[1] != "FLOCK" {
			continue
		}
		place := strings.Split(words[5], ":")
		inode, err := strconv.ParseUint(place[len(place)-1], 10, 64)
		pid, err2 := strconv.Atoi(words[4])
		if err != nil || err2 != nil || inode != stat.Ino || !opened(pid, info) {
			continue
		}
		return &Writer{PID: pid, Command: commandOf(pid)}, true
	}
	return nil, true
}

// opened tells whether a process has a file open: files of several file systems have one number.
// What it has open is not always to be seen; then it is believed.
func opened(pid int, file os.FileInfo) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return true
	}
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && os.SameFile(info, file) {
			return true
		}
	}
	return false
}

func commandOf(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(string(data), "\x00", " "))
}
