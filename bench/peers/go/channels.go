package main

import "sync"

func init() {
	row("ping_pong", func() {
		ping, pong := make(chan int), make(chan int)
		warmed(scaled(1000000), 1, func(n int) {
			go func() {
				for i := 0; i < n; i++ {
					pong <- <-ping + 1
				}
			}()
			for i := 0; i < n; i++ {
				ping <- i
				sink = <-pong
			}
		})
	})
	row("buffered_128", func() {
		warmed(scaled(5000000), 1, func(n int) {
			items := make(chan int, 128)
			go func() {
				for i := 0; i < n; i++ {
					items <- i
				}
				close(items)
			}()
			sum := 0
			for v := range items {
				sum += v
			}
			sink = sum
		})
	})
	row("send_recv_one_task", func() {
		items := make(chan int, 128)
		warmed(scaled(10000000), 1, func(n int) {
			for i := 0; i < n; i++ {
				items <- i
				sink = <-items
			}
		})
	})
	row("fan_in_100", func() {
		items := make(chan int)
		warmed(scaled(20000), 100, func(n int) {
			for s := 0; s < 100; s++ {
				go func() {
					for i := 0; i < n; i++ {
						items <- i
					}
				}()
			}
			for i := 0; i < 100*n; i++ {
				sink = <-items
			}
		})
	})
	row("sieve_2000", func() {
		primes := scaled(2000)
		if primes < 50 {
			primes = 50
		}
		measure(sieveTransfers(primes), "ns_per_op", func() { sieve(primes) })
	})
	row("pipelines_8", func() {
		warmed(scaled(20000), 8*4, func(n int) { pipelines(8, 4, n) })
	})
}

func sieve(primes int) {
	in := make(chan int)
	go func(out chan int) {
		for v := 2; ; v++ {
			out <- v
		}
	}(in)
	for i := 0; i < primes; i++ {
		prime := <-in
		out := make(chan int)
		go func(in, out chan int) {
			for {
				if v := <-in; v%prime != 0 {
					out <- v
				}
			}
		}(in, out)
		in = out
	}
}

// How many transfers the sieve needs until the count-th prime is out.
func sieveTransfers(count int) int {
	var primes []int
	transfers := 0
	for v := 2; len(primes) < count; v++ {
		transfers++
		prime := true
		for _, p := range primes {
			if prime = v%p != 0; !prime {
				break
			}
			transfers++
		}
		if prime {
			primes = append(primes, v)
		}
	}
	return transfers
}

func pipelines(count, stages, n int) {
	var all sync.WaitGroup
	all.Add(count)
	for p := 0; p < count; p++ {
		in := make(chan int, 16)
		go func(out chan int) {
			for i := 0; i < n; i++ {
				out <- i
			}
			close(out)
		}(in)
		for s := 1; s < stages; s++ {
			out := make(chan int, 16)
			go func(in, out chan int) {
				for v := range in {
					out <- int(spin(uint64(v)))
				}
				close(out)
			}(in, out)
			in = out
		}
		go func(in chan int) {
			last := 0
			for v := range in {
				last = v
			}
			if last == 1 {
				sink64++
			}
			all.Done()
		}(in)
	}
	all.Wait()
}
