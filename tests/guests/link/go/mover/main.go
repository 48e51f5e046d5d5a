// Gives shelves of wit/link.wit away to the component that has them, without generated bindings.
package main

import . "guests.example/link/stock"

//go:wasmimport guests:link/stock [constructor]shelf
func construct(label, length uint32) uint32

//go:wasmimport guests:link/stock [method]shelf.label
func getLabel(shelf, result uint32)

//go:wasmimport guests:link/stock [method]shelf.put
func put(shelf, name, length, amount, unit, marks uint32)

//go:wasmimport guests:link/moving merge
func merge(one, other uint32) uint32

//go:wasmimport guests:link/moving discard
func discard(shelves, count uint32) uint32

func shelfWith(label, goods string) uint32 {
	shelf := construct(Lower(label))
	name, length := Lower(goods)
	put(shelf, name, length, 1, uint32(Piece), 0)
	return shelf
}

//go:wasmexport move
func move() uint32 {
	both := merge(shelfWith("attic", "trunk"), shelfWith("hall", "coat"))
	moved := Allocate(StringSize + 4) // a label, and how many kinds were thrown away
	getLabel(both, moved)
	rest := Allocate(2 * 4)
	Store32(rest, both)
	Store32(rest+4, shelfWith("yard", "bike"))
	Store32(moved+StringSize, discard(rest, 2))
	return moved
}

func main() {}
