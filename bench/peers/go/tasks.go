package main

import (
	"runtime"
	"sync"
)

var sink int
var sink64 uint64

func spawnBatch(count int) {
	var all sync.WaitGroup
	all.Add(count)
	for i := 0; i < count; i++ {
		go func() { all.Done() }()
	}
	all.Wait()
}

func init() {
	row("spawn_batch_100", func() {
		warmed(scaled(10000), 100, func(n int) {
			for i := 0; i < n; i++ {
				spawnBatch(100)
			}
		})
	})
	row("spawn_million", func() {
		n := scaled(1000000)
		measure(n, "cold_ns_per_op", func() { spawnBatch(n) })
		measure(n, "ns_per_op", func() { spawnBatch(n) })
	})
	row("spawn_join_one", func() {
		warmed(scaled(1000000), 1, func(n int) {
			var one sync.WaitGroup
			for i := 0; i < n; i++ {
				one.Add(1)
				go func() { one.Done() }()
				one.Wait()
			}
		})
	})
	row("yield", func() {
		warmed(scaled(2000000), 2, func(n int) {
			var both sync.WaitGroup
			both.Add(2)
			for i := 0; i < 2; i++ {
				go func() {
					for k := 0; k < n; k++ {
						runtime.Gosched()
					}
					both.Done()
				}()
			}
			both.Wait()
		})
	})
	// Eight goroutines that each start others with a little work: scales with workers.
	row("spawn_independent", func() {
		warmed(scaled(100000), 8, func(n int) {
			var all sync.WaitGroup
			all.Add(8)
			for i := 0; i < 8; i++ {
				go func() {
					all.Add(n)
					for k := 0; k < n; k++ {
						go func(seed uint64) {
							if spin(seed) == 0 {
								sink64++
							}
							all.Done()
						}(uint64(k))
					}
					all.Done()
				}()
			}
			all.Wait()
		})
	})
}
