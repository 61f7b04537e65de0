// Command empty is the least that a function of the SDK can be: the floor that
// start-up and memory are compared with.
package main

import "github.com/aliyun/fc-runtime-go-sdk/fc"

func main() { fc.Start(func() error { return nil }) }
