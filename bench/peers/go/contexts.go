package main

import (
	"context"
	"time"
)

type key int

var sinkAny interface{}

func init() {
	row("with_cancel", func() {
		parent, end := context.WithCancel(context.Background())
		defer end()
		warmed(scaled(2000000), 1, func(n int) {
			for i := 0; i < n; i++ {
				_, cancel := context.WithCancel(parent)
				cancel()
			}
		})
	})
	row("with_timeout", func() {
		parent, end := context.WithCancel(context.Background())
		defer end()
		warmed(scaled(1000000), 1, func(n int) {
			for i := 0; i < n; i++ {
				_, cancel := context.WithTimeout(parent, time.Hour)
				cancel()
			}
		})
	})
	row("cancel_10k_children", cancelChildren)
	row("done_check", func() {
		ctx, end := context.WithCancel(context.Background())
		defer end()
		warmed(scaled(30000000), 1, func(n int) {
			for i := 0; i < n; i++ {
				select {
				case <-ctx.Done():
					return
				default:
				}
			}
		})
	})
	row("err_check", func() {
		ctx, end := context.WithCancel(context.Background())
		defer end()
		warmed(scaled(30000000), 1, func(n int) {
			for i := 0; i < n; i++ {
				if ctx.Err() != nil {
					return
				}
			}
		})
	})
	// Ten values above each other; the one at the root is asked for.
	row("value_depth_10", func() {
		ctx := context.Background()
		for i := 0; i < 10; i++ {
			ctx = context.WithValue(ctx, key(i), i)
		}
		warmed(scaled(10000000), 1, func(n int) {
			for i := 0; i < n; i++ {
				sinkAny = ctx.Value(key(0))
			}
		})
	})
	row("with_value", func() {
		root := context.Background()
		warmed(scaled(5000000), 1, func(n int) {
			for i := 0; i < n; i++ {
				sinkAny = context.WithValue(root, key(0), 7)
			}
		})
	})
}

// Making and ending are timed apart.
func cancelChildren() {
	const children = 10000
	type child struct {
		ctx    context.Context
		cancel context.CancelFunc
	}
	rounds := scaled(50)
	kept := make([]child, 0, children)
	var made, ended time.Duration
	for round := 0; round < rounds; round++ {
		parent, cancel := context.WithCancel(context.Background())
		start := time.Now()
		for i := 0; i < children; i++ {
			ctx, c := context.WithCancel(parent)
			kept = append(kept, child{ctx, c})
		}
		middle := time.Now()
		cancel()
		made += middle.Sub(start)
		ended += time.Since(middle)
		for _, c := range kept {
			c.cancel()
		}
		kept = kept[:0]
	}
	all := float64(rounds * children)
	report("make_ns", float64(made.Nanoseconds())/all)
	report("ns_per_op", float64(ended.Nanoseconds())/all)
}
