// Rows of the comparison on Go's own goroutines: the same command line and output as the C++
// programs, "ROW FIGURE VALUE".
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	rows    = map[string]func(){}
	names   []string
	scale   = flag.Float64("scale", 1, "share of the full size")
	workers = flag.Int("workers", 1, "GOMAXPROCS")
	list    = flag.Bool("list", false, "names all rows")
	current string
)

func row(name string, f func()) {
	rows[name] = f
	names = append(names, name)
}

func scaled(n int) int {
	if s := int(float64(n) * *scale); s > 0 {
		return s
	}
	return 1
}

func report(figure string, value float64) {
	fmt.Printf("%s %s %.4f\n", current, figure, value)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func measure(operations int, figure string, body func()) {
	cpu, wall := cpuTime(), time.Now()
	body()
	w, c := time.Since(wall), cpuTime()-cpu
	report(figure, float64(w.Nanoseconds())/float64(operations))
	report("cpu_"+figure, float64(c.Nanoseconds())/float64(operations))
}

func warmed(repetitions, operationsEach int, body func(n int)) {
	body(repetitions/10 + 1)
	measure(repetitions*operationsEach, "ns_per_op", func() { body(repetitions) })
}

func statusBytes(field string) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, field) {
			kib, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			return kib * 1024
		}
	}
	return 0
}

// The same work as Spin in measure.cc.
func spin(seed uint64) uint64 {
	for i := 0; i < 64; i++ {
		seed = seed*6364136223846793005 + 1442695040888963407
	}
	return seed
}

func main() {
	flag.Parse()
	if *list {
		fmt.Println(strings.Join(names, "\n"))
		return
	}
	runtime.GOMAXPROCS(*workers)
	for _, name := range flag.Args() {
		f, known := rows[name]
		if !known {
			fmt.Fprintf(os.Stderr, "no row '%s'; -list names them\n", name)
			os.Exit(2)
		}
		current = name
		f()
	}
}
