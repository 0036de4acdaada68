package main

import (
	"runtime"
	"sync"
)

func init() {
	row("skynet_million", func() {
		leaves := 1000000
		if scaled(leaves) < leaves {
			leaves = 10000
		}
		tree := func() {
			total := make(chan int)
			go skynet(total, 0, leaves)
			if <-total != leaves*(leaves-1)/2 {
				report("wrong_sum", 1)
			}
		}
		measure(leaves*10/9, "cold_ns_per_op", tree)
		report("peak_bytes", statusBytes("VmHWM:"))
		measure(leaves*10/9, "ns_per_op", tree)
	})
	row("park_100k", func() { park(scaled(100000)) })
	row("park_million", func() { park(scaled(1000000)) })
}

func skynet(out chan int, number, size int) {
	if size == 1 {
		out <- number
		return
	}
	parts := make(chan int)
	for i := 0; i < 10; i++ {
		go skynet(parts, number+i*(size/10), size/10)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-parts
	}
	out <- sum
}

// One crowd: made, parked, and woken by a close.
func crowd(count int, prefix string) {
	before := statusBytes("VmRSS:")
	gate := make(chan int)
	var started, finished sync.WaitGroup
	started.Add(count)
	finished.Add(count)
	measure(count, prefix+"make_ns", func() {
		for i := 0; i < count; i++ {
			go func() {
				started.Done()
				<-gate
				finished.Done()
			}()
		}
		started.Wait()
	})
	report(prefix+"bytes_per_task", (statusBytes("VmRSS:")-before)/float64(count))
	measure(count, prefix+"wake_ns", func() {
		close(gate)
		finished.Wait()
	})
}

// The first crowd finds cold memory; the second one uses what the first left.
func park(count int) {
	runtime.GC()
	crowd(count, "cold_")
	crowd(count, "warm_")
}
