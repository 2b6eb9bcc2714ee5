// SPDX-License-Identifier: Apache-2.0

// The calls every client makes, by net/http: HTTP/2 where TLS offers it, or HTTP/1.1 with "http1".
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

type answer struct {
	status         int
	protocol, kind string
	body           []byte
	trailer        http.Header
}

func call(client *http.Client, method, target, body string) answer {
	request, err := http.NewRequest(method, os.Getenv("BASE")+target, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	response, err := client.Do(request)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	return answer{response.StatusCode, response.Proto, response.Header.Get("Content-Type"), data, response.Trailer}
}

func tell(name string, a answer) {
	shown := strings.TrimRight(string(a.body), "\n")
	if len(a.body) >= 2000 || bytes.IndexByte(a.body, 0) >= 0 {
		shown = fmt.Sprintf("%d bytes %x", len(a.body), sha256.Sum256(a.body))
	}
	fmt.Printf("%s: %s %d %s\n%s\n", name, a.protocol, a.status, a.kind, shown)
}

func main() {
	transport := &http.Transport{} // negotiates HTTP/2 where TLS can
	if len(os.Args) > 1 && os.Args[1] == "http1" {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	client := &http.Client{Transport: transport}
	tell("get", call(client, "GET", "/json", ""))
	tell("post", call(client, "POST", "/echo", `{"b":1,"a":[1,2]}`))
	tell("large post", call(client, "POST", "/echo", strings.Repeat("a long text ", 20000)))
	tell("stream", call(client, "GET", "/sse", ""))
	var pages [8]answer
	var all sync.WaitGroup
	for i := range pages {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			pages[i] = call(client, "GET", fmt.Sprintf("/page?i=%d&ms=%d", i, 40-5*i), "")
		}(i)
	}
	all.Wait()
	for i, page := range pages {
		tell(fmt.Sprintf("page %d", i), page)
	}
	tell("error", call(client, "GET", "/error", ""))
	tell("not found", call(client, "GET", "/nothing", ""))
	tell("large", call(client, "GET", "/large", ""))
	tell("gzip", call(client, "GET", "/coded?coding=gzip", ""))
	trailers := call(client, "GET", "/trailers", "")
	tell("trailers", trailers)
	fmt.Println("trailer:", trailers.trailer.Get("X-Sum"))
}
