package inventory_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"

	"waybill.dev/services/inventory/stock"
)

const (
	modelSKUs   = 3
	modelOrders = 12
)

// shelves is what a shop with a few SKUs and orders looks like to somebody who does one thing after the other. All
// orders have been placed before.
type shelves struct {
	Levels [modelSKUs]stock.Stock
	// Paid says that an order's payment was heard, which reserves; Reached is what has come of the order.
	Paid    [modelOrders]bool
	Stopped [modelOrders]bool
	Reached [modelOrders]stock.Status
}

// What clients do, and what they are told.
type (
	receiveInput struct {
		SKU      int
		Quantity int64
	}
	reserveInput struct {
		Order int
		Lines []modelLine
	}
	releaseInput struct {
		Order int
		Lines []modelLine
	}
	readInput struct{}

	modelLine struct {
		SKU      int
		Quantity int64
	}

	// levelOutput is a shelf after goods came in, levelsOutput all of them at one moment.
	levelOutput  stock.Stock
	levelsOutput [modelSKUs]stock.Stock
	// reservedOutput tells which shelves were short, and how much these had; none were where it was reserved.
	reservedOutput struct{ Short [modelSKUs]int64 }
	releasedOutput struct{}
	// nothingOutput: the order had ended, and nothing was done.
	nothingOutput struct{}
	// duplicateOutput: the message had been handled.
	duplicateOutput struct{}
)

// notShort marks a SKU in reservedOutput.
const notShort = -1

// shelfModel says which answers are right.
var shelfModel = porcupine.Model{
	Init: func() any { return shelves{} },
	Step: func(state, input, output any) (bool, any) {
		s := state.(shelves)
		return s.step(input, output)
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%T%+v → %T%+v", input, input, output, output) },
}

func (s shelves) step(input, output any) (bool, any) {
	switch in := input.(type) {
	case receiveInput:
		s.Levels[in.SKU].OnHand += in.Quantity
		return output == levelOutput(s.Levels[in.SKU]), s
	case readInput:
		return output == levelsOutput(s.Levels), s
	case reserveInput:
		return s.reserve(in, output)
	case releaseInput:
		return s.release(in, output)
	}
	return false, s
}

func (s shelves) reserve(in reserveInput, output any) (bool, any) {
	if s.Paid[in.Order] {
		return output == duplicateOutput{}, s
	}
	s.Paid[in.Order] = true
	if s.Reached[in.Order] != "" {
		return output == nothingOutput{}, s
	}
	want, short := reservedOutput{[modelSKUs]int64{notShort, notShort, notShort}}, false
	for _, l := range in.Lines {
		if a := s.Levels[l.SKU].Available(); a < l.Quantity {
			want.Short[l.SKU], short = a, true
		}
	}
	s.Reached[in.Order] = stock.StatusFailed
	if !short {
		s.Reached[in.Order] = stock.StatusReserved
		for _, l := range in.Lines {
			s.Levels[l.SKU].Reserved += l.Quantity
		}
	}
	return output == want, s
}

func (s shelves) release(in releaseInput, output any) (bool, any) {
	if s.Stopped[in.Order] {
		return output == duplicateOutput{}, s
	}
	s.Stopped[in.Order] = true
	switch s.Reached[in.Order] {
	case stock.StatusFailed:
		return output == nothingOutput{}, s
	case stock.StatusReserved:
		for _, l := range in.Lines {
			s.Levels[l.SKU].Reserved -= l.Quantity
		}
	}
	s.Reached[in.Order] = stock.StatusReleased
	return output == releasedOutput{}, s
}

// The model refuses what no shop may show, and takes what is right.
func TestShelfModelTellsRightFromWrong(t *testing.T) {
	t.Parallel()
	receive := func(sku int, quantity, onHand, reserved int64) porcupine.Operation {
		return porcupine.Operation{Input: receiveInput{sku, quantity}, Output: levelOutput{OnHand: onHand, Reserved: reserved}}
	}
	reserve := func(order int, short [modelSKUs]int64, lines ...modelLine) porcupine.Operation {
		return porcupine.Operation{Input: reserveInput{order, lines}, Output: reservedOutput{short}}
	}
	release := func(order int, output any, lines ...modelLine) porcupine.Operation {
		return porcupine.Operation{Input: releaseInput{order, lines}, Output: output}
	}
	read := func(levels ...stock.Stock) porcupine.Operation {
		return porcupine.Operation{Input: readInput{}, Output: levelsOutput(levels)}
	}
	one, both := modelLine{0, 1}, []modelLine{{0, 1}, {1, 1}}
	none := [modelSKUs]int64{notShort, notShort, notShort}
	short := func(sku int, available int64) [modelSKUs]int64 {
		s := none
		s[sku] = available
		return s
	}
	at := func(onHand, reserved int64) stock.Stock { return stock.Stock{OnHand: onHand, Reserved: reserved} }
	for name, test := range map[string]struct {
		operations []porcupine.Operation
		together   bool // all at once, instead of one after the other
		right      bool
	}{
		"the last one, once":              {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, none, one), reserve(1, short(0, 0), one)}, false, true},
		"the last one, twice":             {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, none, one), reserve(1, none, one)}, false, false},
		"the last one, twice, at once":    {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, none, one), reserve(1, none, one)}, true, false},
		"refused though it is there":      {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, short(0, 0), one)}, false, false},
		"refused before it was there":     {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, short(0, 0), one)}, true, true},
		"half of an order":                {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, short(1, 0), both...), read(at(1, 1), at(0, 0), at(0, 0))}, false, false},
		"nothing of an order":             {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, short(1, 0), both...), read(at(1, 0), at(0, 0), at(0, 0))}, false, true},
		"half of a reservation is seen":   {[]porcupine.Operation{receive(0, 1, 1, 0), receive(1, 1, 1, 0), reserve(0, none, both...), read(at(1, 1), at(1, 0), at(0, 0))}, true, false},
		"an old level":                    {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, none, one), read(at(1, 0), at(0, 0), at(0, 0))}, false, false},
		"an old level, while it changes":  {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, none, one), read(at(1, 0), at(0, 0), at(0, 0))}, true, true},
		"released, and reserved again":    {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, none, one), release(0, releasedOutput{}, one), reserve(1, none, one)}, false, true},
		"released twice":                  {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, none, one), release(0, releasedOutput{}, one), release(0, releasedOutput{}, one)}, false, false},
		"released, and nothing came back": {[]porcupine.Operation{receive(0, 1, 1, 0), reserve(0, none, one), release(0, releasedOutput{}, one), read(at(1, 1), at(0, 0), at(0, 0))}, false, false},
		"cancelled first, and reserved":   {[]porcupine.Operation{receive(0, 1, 1, 0), release(0, releasedOutput{}, one), reserve(0, none, one)}, false, false},
		"cancelled first, and left at that": {[]porcupine.Operation{receive(0, 1, 1, 0), release(0, releasedOutput{}, one),
			{Input: reserveInput{0, []modelLine{one}}, Output: nothingOutput{}}}, false, true},
	} {
		history := slices.Clone(test.operations)
		for i := range history {
			history[i].ClientId = i
			history[i].Call, history[i].Return = int64(10*i), int64(10*i+5)
			if test.together {
				history[i].Call, history[i].Return = 0, 10
			}
		}
		if got := porcupine.CheckOperations(shelfModel, history); got != test.right {
			t.Errorf("%s: linearizable is %t", name, got)
		}
	}
}
