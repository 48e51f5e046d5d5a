// Takes the tour of wit/link.wit through a stock that another component has, without generated bindings.
package main

import . "guests.example/link/stock"

//go:wasmimport guests:link/stock [constructor]shelf
func construct(label, length uint32) uint32

//go:wasmimport guests:link/stock [resource-drop]shelf
func drop(shelf uint32)

//go:wasmimport guests:link/stock [method]shelf.label
func getLabel(shelf, result uint32)

//go:wasmimport guests:link/stock [method]shelf.put
func putItem(shelf, name, length, amount, unit, marks uint32)

//go:wasmimport guests:link/stock [method]shelf.change
func changeItem(shelf, name, length, change, number, size, result uint32)

//go:wasmimport guests:link/stock [method]shelf.find
func findItem(shelf, name, length, result uint32)

//go:wasmimport guests:link/stock [method]shelf.items
func getItems(shelf, result uint32)

//go:wasmimport guests:link/stock [static]shelf.join
func join(one, other uint32) uint32

//go:wasmimport guests:link/stock count
func count(items, length, unit uint32) uint32

func newShelf(label string) uint32 {
	return construct(Lower(label))
}

func put(shelf uint32, name string, amount uint32, unit Unit, marks Marks) {
	text, length := Lower(name)
	putItem(shelf, text, length, amount, uint32(unit), uint32(marks))
}

func change(shelf uint32, name string, change, number, size uint32) Outcome {
	text, length := Lower(name)
	result := Allocate(ResultSize)
	changeItem(shelf, text, length, change, number, size, result)
	return LoadOutcome(result)
}

func rename(shelf uint32, name, newName string) {
	text, length := Lower(newName)
	change(shelf, name, Rename, text, length)
}

func find(shelf uint32, name string) *Item {
	text, length := Lower(name)
	result := Allocate(OptionSize)
	findItem(shelf, text, length, result)
	return LoadOption(result)
}

func label(shelf uint32) string {
	result := Allocate(StringSize)
	getLabel(shelf, result)
	return LoadString(result)
}

func items(shelf uint32) []Item {
	result := Allocate(ListSize)
	getItems(shelf, result)
	return Items(Load32(result), Load32(result+4))
}

//go:wasmexport guests:link/tour#take
func take() uint32 {
	pantry, cellar := newShelf("pantry"), newShelf("cellar")
	put(pantry, "milk", 2, Litre, Fresh)
	put(pantry, "eggs", 12, Piece, Fresh|Fragile)
	put(cellar, "flour", 1, Kilogram, 0)
	put(cellar, "crème fraîche", 3, Piece, Fresh|Foreign)
	added := change(pantry, "milk", Add, 3, 0)
	refused := change(pantry, "eggs", Take, 13, 0)
	rename(pantry, "eggs", "ägg")
	change(pantry, "ägg", Mark, uint32(Fragile|Foreign), 0)
	change(cellar, "flour", Clear, 0, 0)
	both := join(pantry, cellar)
	all := items(both)
	list, length := LowerItems(all)

	// label, added, refused, found, missing, items, pieces: one behind the other
	seen := Allocate(StringSize + 2*ResultSize + 2*OptionSize + ListSize + 4)
	at := seen
	StoreString(at, label(both))
	at += StringSize
	StoreOutcome(at, added)
	at += ResultSize
	StoreOutcome(at, refused)
	at += ResultSize
	StoreOption(at, find(both, "ägg"))
	at += OptionSize
	StoreOption(at, find(both, "eggs"))
	at += OptionSize
	StoreItems(at, all)
	at += ListSize
	Store32(at, count(list, length, uint32(Piece)))
	for _, shelf := range []uint32{both, cellar, pantry} {
		drop(shelf)
	}
	return seen
}

func main() {}
