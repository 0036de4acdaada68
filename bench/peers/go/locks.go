package main

import (
	"runtime"
	"sync"
)

func init() {
	row("mutex_uncontended", func() {
		var mu sync.Mutex
		warmed(scaled(30000000), 1, func(n int) {
			for i := 0; i < n; i++ {
				mu.Lock()
				sink++
				mu.Unlock()
			}
		})
	})
	// Each holder yields while it holds the lock, so that the 99 others park for it.
	row("mutex_hand_over_100", func() {
		var mu sync.Mutex
		warmed(scaled(5000), 100, func(n int) {
			var all sync.WaitGroup
			all.Add(100)
			for i := 0; i < 100; i++ {
				go func() {
					for k := 0; k < n; k++ {
						mu.Lock()
						runtime.Gosched()
						mu.Unlock()
					}
					all.Done()
				}()
			}
			all.Wait()
		})
	})
}
