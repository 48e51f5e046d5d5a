// Package stock has the types of wit/link.wit and how the canonical ABI lays them out in memory, where an address has four
// bytes; Go's own pointers have eight.
package stock

import "unsafe"

type Unit uint8

const (
	Piece Unit = iota
	Litre
	Kilogram
)

type Marks uint8

const (
	Fresh Marks = 1 << iota
	Fragile
	Foreign
)

// The cases of a change.
const (
	Add uint32 = iota
	Take
	Rename
	Mark
	Clear
)

type Item struct {
	Name   string
	Amount uint32
	Unit   Unit
	Marks  Marks
}

// Sizes of the types in memory.
const (
	ItemSize   = 16
	StringSize = 8
	ResultSize = 12 // result<u32, string>
	OptionSize = 20 // option<item>
	ListSize   = 8
)

// What other components write to, and what they are given to read, lives as long as the program: the collector does not
// see addresses of four bytes.
var kept [][]uint64

func Allocate(size uint32) uint32 {
	words := make([]uint64, size/8+1)
	kept = append(kept, words)
	return uint32(uintptr(unsafe.Pointer(&words[0])))
}

//go:wasmexport cabi_realloc
func reallocate(old, oldSize, align, size uint32) uint32 {
	grown := Allocate(size)
	copy(bytes(grown, size), bytes(old, min(oldSize, size)))
	return grown
}

func pointer(address uint32) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(nil), address)
}

func bytes(address, size uint32) []byte {
	if size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(pointer(address)), size)
}

func Load32(address uint32) uint32 {
	return *(*uint32)(pointer(address))
}

func Store32(address, value uint32) {
	*(*uint32)(pointer(address)) = value
}

func Load8(address uint32) uint8 {
	return *(*uint8)(pointer(address))
}

func Store8(address uint32, value uint8) {
	*(*uint8)(pointer(address)) = value
}

func String(address, length uint32) string {
	return string(bytes(address, length))
}

// Lower gives a copy of the text that another component may read.
func Lower(text string) (address, length uint32) {
	address, length = Allocate(uint32(len(text))), uint32(len(text))
	copy(bytes(address, length), text)
	return
}

func LoadString(address uint32) string {
	return String(Load32(address), Load32(address+4))
}

func StoreString(address uint32, text string) {
	start, length := Lower(text)
	Store32(address, start)
	Store32(address+4, length)
}

func LoadItem(address uint32) Item {
	return Item{LoadString(address), Load32(address + 8), Unit(Load8(address + 12)), Marks(Load8(address + 13))}
}

func StoreItem(address uint32, item Item) {
	StoreString(address, item.Name)
	Store32(address+8, item.Amount)
	Store8(address+12, uint8(item.Unit))
	Store8(address+13, uint8(item.Marks))
}

func Items(address, count uint32) []Item {
	items := make([]Item, count)
	for i := range items {
		items[i] = LoadItem(address + uint32(i)*ItemSize)
	}
	return items
}

func LowerItems(items []Item) (address, count uint32) {
	address, count = Allocate(uint32(len(items))*ItemSize), uint32(len(items))
	for i, item := range items {
		StoreItem(address+uint32(i)*ItemSize, item)
	}
	return
}

func StoreItems(address uint32, items []Item) {
	start, count := LowerItems(items)
	Store32(address, start)
	Store32(address+4, count)
}

// An Outcome is a result<u32, string>: an amount, or a reason.
type Outcome struct {
	Amount uint32
	Failed bool
	Reason string
}

func LoadOutcome(address uint32) Outcome {
	if Load8(address) == 0 {
		return Outcome{Amount: Load32(address + 4)}
	}
	return Outcome{Failed: true, Reason: LoadString(address + 4)}
}

func StoreOutcome(address uint32, outcome Outcome) {
	if outcome.Failed {
		Store8(address, 1)
		StoreString(address+4, outcome.Reason)
	} else {
		Store8(address, 0)
		Store32(address+4, outcome.Amount)
	}
}

// LoadOption gives nil for none.
func LoadOption(address uint32) *Item {
	if Load8(address) == 0 {
		return nil
	}
	item := LoadItem(address + 4)
	return &item
}

func StoreOption(address uint32, item *Item) {
	if item == nil {
		Store8(address, 0)
		return
	}
	Store8(address, 1)
	StoreItem(address+4, *item)
}
