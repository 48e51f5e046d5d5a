// A client of Go's net/http for the server's tests: client AUTHORITY-FILE PLAIN-URL TLS-URL. Prints one line for each
// thing that it has seen, and fails at the first that is not so.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func expect(what string, got, want any) {
	if got != want {
		fmt.Printf("failed: %s is %v, not %v\n", what, got, want)
		os.Exit(1)
	}
}

func get(client *http.Client, url string) (*http.Response, string) {
	response, err := client.Get(url)
	check(err)
	body, err := io.ReadAll(response.Body)
	check(err)
	response.Body.Close()
	return response, string(body)
}

func simple(client *http.Client, url, protocol string) {
	response, body := get(client, url+"/hello")
	expect("the body", body, "Hello, World!\n")
	expect("the protocol", response.Proto, protocol)
	response, _ = get(client, url+"/status/418")
	expect("the status", response.StatusCode, 418)
	fmt.Println(protocol, "answers")
}

// Sends a part, reads it back, and sends the next one.
func duplex(client *http.Client, url, protocol string) {
	reader, writer := io.Pipe()
	request, err := http.NewRequest("POST", url+"/echo", reader)
	check(err)
	go writer.Write([]byte("part 0"))
	response, err := client.Do(request)
	check(err)
	part := make([]byte, 6)
	for i := 0; i < 5; i++ {
		if i > 0 {
			go fmt.Fprintf(writer, "part %d", i)
		}
		_, err = io.ReadFull(response.Body, part)
		check(err)
		expect("a part", string(part), fmt.Sprintf("part %d", i))
	}
	writer.Close()
	rest, err := io.ReadAll(response.Body)
	check(err)
	expect("the rest", len(rest), 0)
	fmt.Println(protocol, "streams both ways")
}

func large(client *http.Client, url, protocol string) {
	const size = 30 << 20
	response, err := client.Post(url+"/echo", "text/plain", io.LimitReader(zeros{}, size))
	check(err)
	count, err := io.Copy(io.Discard, response.Body)
	check(err)
	expect("the size", count, int64(size))
	fmt.Println(protocol, "echoes a large body")
}

func trailers(client *http.Client, url, protocol string) {
	request, err := http.NewRequest("POST", url+"/trailers", io.LimitReader(zeros{}, 100))
	check(err)
	request.ContentLength = -1
	request.Header.Set("TE", "trailers")
	request.Trailer = http.Header{"X-Sum": {"42"}}
	response, err := client.Do(request)
	check(err)
	_, err = io.ReadAll(response.Body)
	check(err)
	expect("the trailer", response.Trailer.Get("X-Sum"), "42")
	fmt.Println(protocol, "has trailers")
}

func many(client *http.Client, url, protocol string) {
	var all sync.WaitGroup
	for i := 0; i < 50; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := 0; j < 20; j++ {
				_, body := get(client, url+"/hello")
				expect("the body", body, "Hello, World!\n")
			}
		}()
	}
	all.Wait()
	fmt.Println(protocol, "answers many at once")
}

func broken(client *http.Client, url, protocol string) {
	response, err := client.Get(url + "/partial")
	if err == nil {
		_, err = io.ReadAll(response.Body)
	}
	if err == nil || strings.Contains(err.Error(), "timeout") {
		fmt.Println("failed: a response that broke off was taken for a whole one")
		os.Exit(1)
	}
	fmt.Println(protocol, "shows that a response broke off")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func main() {
	authority, err := os.ReadFile(os.Args[1])
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, url := range os.Args[2:] {
			isPlain := strings.HasPrefix(url, "http:")
			if isPlain && protocol == "HTTP/2.0" {
				continue // Go offers it over TLS only, unless told otherwise
			}
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
			if protocol == "HTTP/2.0" {
				transport.ForceAttemptHTTP2 = true
			} else {
				transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
			}
			client := &http.Client{Transport: transport}
			for _, step := range []func(*http.Client, string, string){simple, large, trailers, many, broken} {
				step(client, url, protocol)
			}
			if protocol == "HTTP/2.0" {
				duplex(client, url, protocol)
			}
		}
	}
}
