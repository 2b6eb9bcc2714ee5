// SPDX-License-Identifier: Apache-2.0
//
// fetch URL…: all at once; bodies or errors on standard output, in the order of the URLs.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

func fetch(url string) string {
	r, err := http.Get(url)
	if err != nil {
		return err.Error() + "\n"
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error() + "\n"
	}
	return string(b)
}

func main() {
	var all sync.WaitGroup
	out := make([]string, len(os.Args))
	for i, url := range os.Args[1:] {
		all.Add(1)
		go func(i int, url string) { out[i] = fetch(url); all.Done() }(i, url)
	}
	all.Wait()
	for _, s := range out {
		fmt.Print(s)
	}
}
