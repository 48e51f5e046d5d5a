// A stock of goods: exports `stock` and `moving` of wit/link.wit without generated bindings.
package main

import (
	"fmt"
	"slices"

	. "guests.example/link/stock"
)

type shelf struct {
	label string
	items []Item
}

// What a handle stands for is a number here: another component's memory is no place for Go's pointers.
var (
	shelves = map[uint32]*shelf{}
	last    uint32
)

//go:wasmimport [export]guests:link/stock [resource-new]shelf
func handleOf(number uint32) uint32

//go:wasmimport [export]guests:link/stock [resource-rep]shelf
func numberOf(handle uint32) uint32

//go:wasmimport [export]guests:link/stock [resource-drop]shelf
func drop(handle uint32)

func newShelf(made shelf) uint32 {
	last++
	shelves[last] = &made
	return handleOf(last)
}

func (s *shelf) find(name string) *Item {
	at := slices.IndexFunc(s.items, func(item Item) bool { return item.Name == name })
	if at < 0 {
		return nil
	}
	return &s.items[at]
}

//go:wasmexport guests:link/stock#[constructor]shelf
func construct(text, length uint32) uint32 {
	return newShelf(shelf{label: String(text, length)})
}

//go:wasmexport guests:link/stock#[dtor]shelf
func destroy(number uint32) {
	delete(shelves, number)
}

//go:wasmexport guests:link/stock#[method]shelf.label
func label(number uint32) uint32 {
	result := Allocate(StringSize)
	StoreString(result, shelves[number].label)
	return result
}

//go:wasmexport guests:link/stock#[method]shelf.put
func put(number, name, length, amount, unit, marks uint32) {
	s := shelves[number]
	s.items = append(s.items, Item{String(name, length), amount, Unit(unit), Marks(marks)})
}

func apply(item *Item, name string, change, number, size uint32) Outcome {
	if item == nil {
		return Outcome{Failed: true, Reason: "no " + name}
	}
	switch change {
	case Add:
		item.Amount += number
	case Take:
		if number > item.Amount {
			return Outcome{Failed: true, Reason: fmt.Sprintf("only %d %s", item.Amount, name)}
		}
		item.Amount -= number
	case Rename:
		item.Name = String(number, size)
	case Mark:
		item.Marks = Marks(number)
	case Clear:
		item.Amount = 0
	}
	return Outcome{Amount: item.Amount}
}

//go:wasmexport guests:link/stock#[method]shelf.change
func change(number, name, length, change, value, size uint32) uint32 {
	result, wanted := Allocate(ResultSize), String(name, length)
	StoreOutcome(result, apply(shelves[number].find(wanted), wanted, change, value, size))
	return result
}

//go:wasmexport guests:link/stock#[method]shelf.find
func find(number, name, length uint32) uint32 {
	result := Allocate(OptionSize)
	StoreOption(result, shelves[number].find(String(name, length)))
	return result
}

//go:wasmexport guests:link/stock#[method]shelf.items
func items(number uint32) uint32 {
	result := Allocate(ListSize)
	StoreItems(result, shelves[number].items)
	return result
}

// What is borrowed comes as its number, what is owned as a handle.
//
//go:wasmexport guests:link/stock#[static]shelf.join
func join(one, other uint32) uint32 {
	a, b := shelves[one], shelves[other]
	return newShelf(shelf{a.label + " and " + b.label, slices.Concat(a.items, b.items)})
}

//go:wasmexport guests:link/stock#count
func count(items, length, unit uint32) (result uint32) {
	for _, item := range Items(items, length) {
		if item.Unit == Unit(unit) {
			result++
		}
	}
	return
}

//go:wasmexport guests:link/moving#merge
func merge(one, other uint32) uint32 {
	both := join(numberOf(one), numberOf(other))
	drop(one)
	drop(other)
	return both
}

//go:wasmexport guests:link/moving#discard
func discard(list, count uint32) (kinds uint32) {
	for i := range count {
		handle := Load32(list + 4*i)
		kinds += uint32(len(shelves[numberOf(handle)].items))
		drop(handle)
	}
	return
}

func main() {}
