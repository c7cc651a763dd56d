package main

import (
	"fmt"
	"os"
	"sort"
	"sync"
)

func main() {
	var wg sync.WaitGroup
	results := make(chan int, 100)
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func(n int) {
			defer wg.Done()
			results <- n * n
		}(i)
	}
	wg.Wait()
	close(results)
	var all []int
	for r := range results {
		all = append(all, r)
	}
	sort.Ints(all)
	fmt.Println("hello from Go", len(all), all[99])
	defer func() {
		fmt.Println("recovered:", recover())
		os.Exit(4)
	}()
	var p *int
	fmt.Println(*p)
}
