// SPDX-License-Identifier: MIT
// micro ROW: what bench/ measures, with goroutines and channels; prints "ROW Go VALUE UNIT".
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

type figure struct {
	value float64
	unit  string
}

// An unmet requirement is no figure.
func require(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "go: wrong", what)
		os.Exit(1)
	}
}

func nsEach(start time.Time, count int) figure {
	return figure{float64(time.Since(start).Nanoseconds()) / float64(count), "ns"}
}

// Two goroutines give way to each other.
func yield() figure {
	const each = 2000000
	var done sync.WaitGroup
	done.Add(2)
	start := time.Now()
	for i := 0; i < 2; i++ {
		go func() {
			for j := 0; j < each; j++ {
				runtime.Gosched()
			}
			done.Done()
		}()
	}
	done.Wait()
	return nsEach(start, 2*each)
}

// One goroutine after the other, each of which hands over a value.
func spawn() figure {
	const count = 500000
	results := make(chan int)
	sum := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() { results <- 1 }()
		sum += <-results
	}
	taken := nsEach(start, count)
	require(sum == count, "sum")
	return taken
}

// A value to and fro between two goroutines.
func message() figure {
	const trips = 1000000
	there, back := make(chan int), make(chan int)
	go func() {
		for value := range there {
			back <- value + 1
		}
	}()
	value := 0
	start := time.Now()
	for i := 0; i < trips; i++ {
		there <- value
		value = <-back
	}
	taken := nsEach(start, 2*trips)
	require(value == trips, "number of messages")
	return taken
}

// A producer and a consumer on two threads; a window of 16 batches, acknowledged one at a time.
func stream() figure {
	const batch, window, batches = 1024, 16, 8192
	drops, acknowledged := make(chan int, window*batch), make(chan struct{}, window)
	for i := 0; i < window; i++ {
		acknowledged <- struct{}{}
	}
	start := time.Now()
	go func() {
		for i := 0; i < batches; i++ {
			<-acknowledged
			for j := 0; j < batch; j++ {
				drops <- 1
			}
		}
	}()
	sum := 0
	for sum < batch*batches {
		sum += <-drops
		if sum%batch == 0 && sum <= batch*(batches-window) {
			acknowledged <- struct{}{}
		}
	}
	return nsEach(start, sum)
}

// A hundred senders to one receiver, through a channel of 1,024.
func manyToOneBounded() figure {
	const senders, each = 100, 100000
	items := make(chan int, 1024)
	start := time.Now()
	for i := 0; i < senders; i++ {
		go func() {
			for j := 0; j < each; j++ {
				items <- 1
			}
		}()
	}
	sum := 0
	for sum < senders*each {
		sum += <-items
	}
	return nsEach(start, sum)
}

// One producer, through a channel of 1,024 that is full most of the time.
func bounded() figure {
	const count = 5000000
	items := make(chan int, 1024)
	start := time.Now()
	go func() {
		for i := 0; i < count; i++ {
			items <- 1
		}
	}()
	sum := 0
	for sum < count {
		sum += <-items
	}
	return nsEach(start, sum)
}

func node(parent chan int, first, leaves int) {
	if leaves == 1 {
		parent <- first
		return
	}
	reports := make(chan int)
	part := leaves / 10
	for i := 0; i < 10; i++ {
		go node(reports, first+i*part, part)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-reports
	}
	parent <- sum
}

// A tree with a million leaves, summed up.
func skynet() figure {
	const leaves = 1000000
	result := make(chan int)
	start := time.Now()
	go node(result, 0, leaves)
	sum := <-result
	taken := float64(time.Since(start).Nanoseconds()) / 1e6
	require(sum == leaves*(leaves-1)/2, "sum")
	return figure{taken, "ms"}
}

// 64 at a time are made, get a message through a channel of their own, and end.
func spawnActor() figure {
	const batches, batch = 8000, 64
	seen := 0
	var done sync.WaitGroup
	start := time.Now()
	for i := 0; i < batches; i++ {
		done.Add(batch)
		for j := 0; j < batch; j++ {
			inbox := make(chan int, 1)
			go func() {
				seen += <-inbox
				done.Done()
			}()
			inbox <- 1
		}
		done.Wait()
	}
	taken := nsEach(start, batches*batch)
	require(seen == batches*batch, "number of messages")
	return taken
}

func residentBytes() float64 {
	statm, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	return float64(pages) * float64(os.Getpagesize())
}

// A million goroutines that have had a value and wait for the next.
func idleActors() figure {
	const population = 1000000
	inboxes := make([]chan int, population)
	var seen sync.WaitGroup
	seen.Add(population)
	before := residentBytes()
	for i := range inboxes {
		inbox := make(chan int, 1)
		inboxes[i] = inbox
		go func() {
			for range inbox {
				seen.Done()
			}
		}()
		inbox <- 1
	}
	seen.Wait()
	return figure{(residentBytes() - before) / population, "bytes"}
}

func main() {
	rows := []struct {
		name    string
		measure func() figure
		threads int
	}{
		{"yield", yield, 1},
		{"spawn", spawn, 1},
		{"message", message, 1},
		{"stream", stream, 2},
		{"many_to_one_bounded", manyToOneBounded, 1},
		{"bounded", bounded, 1},
		{"skynet", skynet, 1},
		{"spawn_actor", spawnActor, 1},
		{"idle_actors", idleActors, 1},
	}
	for _, row := range rows {
		if len(os.Args) > 1 && os.Args[1] == row.name {
			runtime.GOMAXPROCS(row.threads)
			result := row.measure()
			fmt.Printf("%s Go %.2f %s\n", row.name, result.value, result.unit)
			return
		}
	}
	fmt.Fprint(os.Stderr, "usage: micro ROW; the rows:")
	for _, row := range rows {
		fmt.Fprint(os.Stderr, " ", row.name)
	}
	fmt.Fprintln(os.Stderr)
	os.Exit(2)
}
