package main

import "sync"

func init() {
	row("select_blocking", func() {
		warmed(scaled(500000), 4, selectBlocking)
	})
	row("select_one_ready", func() {
		in, stop := fourChannels(1), make(chan struct{})
		warmed(scaled(3000000), 1, func(n int) {
			sum := 0
			for i := 0; i < n; i++ {
				in[i&3] <- i
				select {
				case v := <-in[0]:
					sum += v
				case v := <-in[1]:
					sum += v
				case v := <-in[2]:
					sum += v
				case v := <-in[3]:
					sum += v
				case <-stop:
					return
				}
			}
			sink = sum
		})
	})
	row("select_default", func() {
		in := fourChannels(1)
		warmed(scaled(5000000), 1, func(n int) {
			sum := 0
			for i := 0; i < n; i++ {
				select {
				case v := <-in[0]:
					sum += v
				case v := <-in[1]:
					sum += v
				case v := <-in[2]:
					sum += v
				case v := <-in[3]:
					sum += v
				default:
				}
			}
			sink = sum
		})
	})
}

func fourChannels(capacity int) (in [4]chan int) {
	for i := range in {
		in[i] = make(chan int, capacity)
	}
	return in
}

func selectBlocking(n int) {
	in, stop := fourChannels(0), make(chan struct{})
	var senders sync.WaitGroup
	senders.Add(4)
	for _, ch := range in {
		go func(ch chan int) {
			for i := 0; i < n; i++ {
				ch <- i
			}
			senders.Done()
		}(ch)
	}
	go func() {
		senders.Wait()
		close(stop)
	}()
	sum := 0
	for {
		select {
		case v := <-in[0]:
			sum += v
		case v := <-in[1]:
			sum += v
		case v := <-in[2]:
			sum += v
		case v := <-in[3]:
			sum += v
		case <-stop:
			sink = sum
			return
		}
	}
}
