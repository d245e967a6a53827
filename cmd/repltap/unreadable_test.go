package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// forAll is a copy of repltap that all users can run.
func forAll(t *testing.T) (program string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(public(t), "repltap")
	b, err := os.ReadFile(exe)
	if err == nil {
		err = os.WriteFile(program, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// asNobody runs repltap as a user who has no rights to anything.
func asNobody(t *testing.T, program string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = []string{asProgram + "=1", "TMPDIR=/tmp"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Skipf("another user can't run this: %v", err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// public is a directory that all users can read.
func public(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "repltap-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A journal that the system does not let one read is not damaged and not empty.
func TestNoPermission(t *testing.T) {
	program, dir := forAll(t), public(t)
	j := filepath.Join(dir, "j")
	for range 2 {
		mustRun(t, "import", "../../testdata/captures/1.19.0/01-mix/conn-1.jsonl.zst", "--journal", j)
	}
	if err := os.Chmod(j, 0o755); err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(j, "0000000001.journal"), filepath.Join(j, "0000000002.journal")
	commands := [][]string{
		{"log", j}, {"report", j}, {"report", j, "--format", "json"}, {"verify", j}, {"verify", j, "--format", "json"}, {"explain", j, "events", "5"},
		{"log", first}, {"verify", first}, {"diff", j, j}, {"replay", j, "--listen", "127.0.0.1:0"}, {"worker", "--connect", "127.0.0.1:1", "--like", j},
	}
	check := func(which string, args []string, nothing bool) {
		out, errs, status := asNobody(t, program, args...)
		what := strings.Join(args, " ")
		if status != statusFailed || !strings.Contains(errs, "no permission to read "+which) || !strings.Contains(errs, "hint: run it as a user") {
			t.Errorf("%s: status %d\n%s", what, status, errs)
		}
		if strings.Contains(out+errs, "damage:") || strings.Contains(out, "damaged in") || nothing && out != "" {
			t.Errorf("%s says\n%.2000s%s", what, out, errs)
		}
	}
	for _, args := range commands {
		check(first, args, true)
	}
	// One of the two can be read: what it has is told, but for a verdict it is no ground.
	if err := os.Chmod(second, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range commands {
		check(first, args, args[0] == "diff" || args[0] == "replay" || args[0] == "worker" || args[1] == first)
	}
	for _, args := range commands[:6] {
		if out, _, _ := asNobody(t, program, args...); len(out) < 100 {
			t.Errorf("%s says nothing of the file that can be read", strings.Join(args, " "))
		}
	}
	// The directory itself.
	if err := os.Chmod(j, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range commands {
		if _, errs, status := asNobody(t, program, args...); status != statusFailed || !strings.Contains(errs, "no permission to") || strings.Contains(errs, "damage") {
			t.Errorf("%s: status %d\n%s", strings.Join(args, " "), status, errs)
		}
	}
}
