// A WASI preview 1 command in Go: `go_program FOLDER ARGUMENT…` uses the environment, standard input, files,
// goroutines and timers, prints what it saw and ends with code 7.
package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func require(condition bool, what string) {
	if !condition {
		check(errors.New(what))
	}
}

func main() {
	fmt.Printf("arguments: %q\n", os.Args[2:])
	fmt.Printf("GREETING: %s\n", os.Getenv("GREETING"))
	folder := os.Args[1]
	copyLines(filepath.Join(folder, "copy.txt"))
	listFolder(folder)
	changeNames(folder)
	_, err := os.ReadFile(filepath.Join(folder, "escape", "secret.txt"))
	require(err != nil, "read outside the folder")
	sleepTogether()
	sumInGoroutines()
	noise := make([]byte, 32)
	_, err = rand.Read(noise)
	check(err)
	fmt.Printf("sha256: %x\n", sha256.Sum256([]byte("abc")))
	os.Exit(7)
}

func copyLines(path string) {
	file, err := os.Create(path)
	check(err)
	lines := bufio.NewScanner(os.Stdin)
	count := 0
	for lines.Scan() {
		count++
		fmt.Fprintf(file, "%d %s\n", count, lines.Text())
	}
	check(lines.Err())
	check(file.Close())
	text, err := os.ReadFile(path)
	check(err)
	fmt.Printf("%d lines, %d bytes\n", count, len(text))
}

func listFolder(folder string) {
	entries, err := os.ReadDir(folder)
	check(err)
	for _, entry := range entries {
		fmt.Printf("entry: %s %v\n", entry.Name(), entry.Type())
	}
}

func changeNames(folder string) {
	deep := filepath.Join(folder, "a", "b")
	check(os.MkdirAll(deep, 0o755))
	moved := filepath.Join(deep, "moved.txt")
	check(os.Rename(filepath.Join(folder, "copy.txt"), moved))
	changed := time.Unix(2000, 0)
	check(os.Chtimes(moved, changed, changed))
	status, err := os.Stat(moved)
	check(err)
	require(status.ModTime().Equal(changed), "the time was not set")
	check(os.Truncate(moved, 3))
	_, err = os.Stat(filepath.Join(folder, "copy.txt"))
	require(errors.Is(err, fs.ErrNotExist), "the old name is still there")
	walked := 0
	check(filepath.WalkDir(filepath.Join(folder, "a"), func(string, fs.DirEntry, error) error {
		walked++
		return nil
	}))
	fmt.Printf("walked: %d\n", walked)
	check(os.RemoveAll(filepath.Join(folder, "a")))
}

// Ten sleeps of 20 ms take the time of one or so.
func sleepTogether() {
	start := time.Now()
	var group sync.WaitGroup
	for range 10 {
		group.Add(1)
		go func() {
			defer group.Done()
			time.Sleep(20 * time.Millisecond)
		}()
	}
	group.Wait()
	slept := time.Since(start)
	require(slept >= 20*time.Millisecond && slept < 190*time.Millisecond, "slept "+slept.String())
}

func sumInGoroutines() {
	numbers, sums := make(chan int), make(chan int)
	for range 4 {
		go func() {
			sum := 0
			for number := range numbers {
				sum += number
			}
			sums <- sum
		}()
	}
	for number := range 1000 {
		numbers <- number
	}
	close(numbers)
	fmt.Printf("sum: %d\n", <-sums+<-sums+<-sums+<-sums)
}
