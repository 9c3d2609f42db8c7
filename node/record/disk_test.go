package record_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"guidedpolicysearch/node/record"
)

// checkRefused writes a trial that the disk does not take: the error says what to do, and nothing of
// it is there; an earlier recording stays what it was.
func checkRefused(t *testing.T, run *record.Run, big *record.Trial, want ...string) {
	t.Helper()
	_, err := run.WriteTrial(big)
	if !errors.Is(err, record.ErrDisk) {
		t.Fatalf("error %v, want an ErrDisk", err)
	}
	for _, part := range append(want, run.Dir()) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want %q", err, part)
		}
	}
	var left []string
	if err := filepath.Walk(run.Path(record.RolloutsDir), func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			left = append(left, filepath.Base(path))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0] != "condition_0_sample_0.mcap" {
		t.Errorf("left: %q", left)
	}
	if _, err := run.ReadRollout(record.TrialPath(1, 0, 0)); err != nil {
		t.Errorf("the earlier recording: %v", err)
	}
}

// mount mounts a small disk, with a run on it that has a trial.
func mount(t *testing.T, size string) (run *record.Run, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("needs to be allowed to mount a tmpfs, as root is: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	run, err := record.Create(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	if _, err := run.WriteTrial(trial(1, 0, 0, 3)); err != nil {
		t.Fatal(err)
	}
	return run, dir
}

// TestFullDisk goes on as soon as there is room.
func TestFullDisk(t *testing.T) {
	run, dir := mount(t, "256k")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 150<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	big := trial(1, 0, 0, 400) // in the place of the one that is there
	checkRefused(t, run, big, "the disk is full", "kB are needed", "are free in", "free some space", "no space left on device")
	line := map[string]string{"text": strings.Repeat("x", 100<<10)}
	if err := run.AppendIteration(line); !errors.Is(err, record.ErrDisk) || !strings.Contains(err.Error(), run.Path(record.IterationsFile)+": the disk is full: 103 kB are needed") {
		t.Errorf("iteration: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	// What there was of the line is gone, or the next one would go on in it.
	if err := run.AppendIteration(map[string]string{"text": "y"}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(run.Path(record.IterationsFile)); err != nil || string(text) != "{\"text\":\"y\"}\n" {
		t.Errorf("iterations %.100q (%d bytes), %v", text, len(text), err)
	}
	rel, err := run.WriteTrial(big)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := run.ReadRollout(rel); err != nil || r.Steps != 400 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestFullDiskOfMetadata says which file is missing: the recordings are there.
func TestFullDiskOfMetadata(t *testing.T) {
	run, dir := mount(t, "256k")
	if err := fill(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	err := run.WriteMetadata()
	if want := filepath.Join(run.Dir(), record.RolloutsDir, record.MetadataFile) + ": the disk is full"; !errors.Is(err, record.ErrDisk) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "nothing was recorded") {
		t.Errorf("error %v, want %q", err, want)
	}
}

// fill writes to a file until the disk is full.
func fill(path string) error {
	f, err := os.Create(path)
	for err == nil {
		_, err = f.Write(make([]byte, 1<<12))
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

func TestReadOnlyDisk(t *testing.T) {
	run, _ := mount(t, "1m")
	rollouts := run.Path(record.RolloutsDir)
	if err := syscall.Mount(rollouts, rollouts, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("needs to be allowed to mount a folder, as root is: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(rollouts, 0); err != nil {
			t.Error(err)
		}
	}()
	if err := syscall.Mount("", rollouts, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, run, trial(1, 0, 1, 3), "mounted read-only", "mount it for writing")
	if _, err := record.Create(filepath.Join(rollouts, "run")); !errors.Is(err, record.ErrDisk) || !strings.Contains(err.Error(), "mounted read-only") {
		t.Errorf("a run there: %v", err)
	}
	if err := syscall.Mount("", rollouts, "", syscall.MS_REMOUNT|syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := run.WriteTrial(trial(1, 0, 1, 3)); err != nil {
		t.Error(err)
	}
}

// nobody is the user and the group without rights.
const nobody = 65534

// TestReadOnlyFolder takes the right to write from the folder of the recordings.
func TestReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 { // whom permissions do not bind
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestReadOnlyFolder$", "-test.v")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir, cmd.Env = os.TempDir(), append(os.Environ(), "HOME="+os.TempDir())
		out, err := cmd.CombinedOutput()
		if errors.Is(err, os.ErrPermission) {
			t.Skipf("needs a test program that another user may run: %v", err)
		}
		if err != nil || !strings.Contains(string(out), "--- PASS: TestReadOnlyFolder") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	run := create(t)
	if _, err := run.WriteTrial(trial(1, 0, 0, 3)); err != nil {
		t.Fatal(err)
	}
	dir := run.Path(filepath.Dir(record.TrialPath(1, 0, 0)))
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	checkRefused(t, run, trial(1, 0, 1, 3), "change its permissions")
}

// TestFileSizeLimit writes beyond what a file of this process may have: the process lives on.
func TestFileSizeLimit(t *testing.T) {
	// In a process of its own: the limit is for what go test writes of this one too.
	const limited = "RECORD_TEST_FILE_SIZE"
	if os.Getenv(limited) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFileSizeLimit$", "-test.v")
		cmd.Env = append(os.Environ(), limited+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestFileSizeLimit") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	run := create(t)
	if _, err := run.WriteTrial(trial(1, 0, 0, 3)); err != nil {
		t.Fatal(err)
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 20_000, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	}()
	checkRefused(t, run, trial(1, 0, 1, 400), "raise the limit on file sizes")
}

func TestRunFolderRemoved(t *testing.T) {
	run := create(t)
	if err := os.RemoveAll(run.Path(record.RolloutsDir)); err != nil {
		t.Fatal(err)
	}
	if _, err := run.WriteTrial(trial(1, 0, 0, 3)); !errors.Is(err, record.ErrDisk) || !strings.Contains(err.Error(), "is not there any more") {
		t.Errorf("error %v", err)
	}
}

// TestTickAllocatesNothing appends what a control tick at 1 kHz does, and BenchmarkTick measures it.
func TestTickAllocatesNothing(t *testing.T) {
	tr, payloads := thousandHertz()
	now := int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += 1_000_000
		tr.JointStates.Append(payloads[0], now, now)
		tr.Commands.Append(payloads[1], now, now)
	}); n != 0 {
		t.Errorf("%v allocations per tick", n)
	}
	if tr.JointStates.Len() == 0 || tr.JointStates.Dropped() != 0 {
		t.Errorf("%d recorded, %d dropped", tr.JointStates.Len(), tr.JointStates.Dropped())
	}
}

// thousandHertz returns the recording of a trial of 5 s at 1 kHz, of 13 joints: 26 states.
func thousandHertz() (*record.Trial, [2][]byte) {
	const joints, ticks = 13, 5000
	payloads := [2][]byte{make([]byte, 100+24*joints+20*joints), make([]byte, 40+8*joints)}
	for _, p := range payloads {
		copy(p, []byte{0, 1, 0, 0})
	}
	tr := record.NewTrial(topics, ticks, ticks*(256+64*joints))
	tr.Rollout = trial(1, 0, 0, 100).Rollout
	return tr, payloads
}

// BenchmarkTick is what recording adds to a control tick.
func BenchmarkTick(b *testing.B) {
	tr, payloads := thousandHertz()
	b.ReportAllocs()
	now := int64(0)
	for b.Loop() {
		now += 1_000_000
		if !tr.JointStates.Append(payloads[0], now, now) {
			tr.Reset()
		}
		tr.Commands.Append(payloads[1], now, now)
	}
}

// BenchmarkSecond is what recording one second at 1 kHz takes in all, of one core: the ticks, and
// writing the trial's file, without waiting for the disk.
func BenchmarkSecond(b *testing.B) {
	tr, payloads := thousandHertz()
	run, err := record.Create(filepath.Join(b.TempDir(), "run"))
	if err != nil {
		b.Fatal(err)
	}
	defer run.Close()
	runtime.GC()
	const seconds = 5
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		tr.Reset()
		for k := range int64(seconds * 1000) {
			tr.JointStates.Append(payloads[0], k*1_000_000, k)
			tr.Commands.Append(payloads[1], k*1_000_000, k)
		}
		tr.Rollout.Sample = uint32(n)
		if _, err := run.WriteTrial(tr); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(100*float64(cpu)/float64(n)/(seconds*1e9), "%core")
}

// manyTrials records many trials of one run.
func manyTrials(tb testing.TB, n int) *record.Run {
	tb.Helper()
	run, err := record.Create(filepath.Join(tb.TempDir(), "run"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { run.Close() })
	rel, err := run.WriteTrial(trial(1, 0, 0, 10))
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n - 1 {
		path := run.Path(record.TrialPath(uint32(2+i/100), 0, uint32(i%100)))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			tb.Fatal(err)
		}
		if err := os.Link(run.Path(rel), path); err != nil {
			tb.Fatal(err)
		}
	}
	return run
}

// TestTrialsCostTheSame counts what a trial costs in a run that has many: the same as in one that has
// few.
func TestTrialsCostTheSame(t *testing.T) {
	allocations := func(n int) float64 {
		run := manyTrials(t, n)
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
		again, _, err := record.Open(run.Dir())
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		sample := uint32(0)
		return testing.AllocsPerRun(20, func() {
			sample++
			if _, err := again.WriteTrial(trial(900, 0, sample, 10)); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := allocations(10), allocations(2000); many > 1.2*few+20 {
		t.Errorf("%v allocations in a run of 2000 trials, %v in one of 10", many, few)
	}
}

// BenchmarkIndex and BenchmarkOpen are of a run of 10,000 trials.
func BenchmarkIndex(b *testing.B) {
	run := manyTrials(b, 10_000)
	for b.Loop() {
		if entries, err := run.Index(); err != nil || len(entries) != 10_000 {
			b.Fatal(len(entries), err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	run := manyTrials(b, 10_000)
	if err := run.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		again, _, err := record.Open(run.Dir())
		if err != nil {
			b.Fatal(err)
		}
		if err := again.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
