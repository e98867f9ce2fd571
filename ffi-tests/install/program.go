// A program outside the tree.
package main

import (
	"fmt"
	"log"

	"lifesign.dev/lifesign"
)

// other is what another Rust library says, in a program that has one.
var other = func() int { return 0 }

func main() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	fmt.Printf("Lifesign %s: %s, %d\n", lifesign.Version(), engine.NodeStatus(), other())
}
