// Command empty is the smallest possible function of the SDK, for comparing
// start time and size.
package main

import "github.com/aliyun/fc-runtime-go-sdk/fc"

func main() { fc.Start(func() error { return nil }) }
