package generations_test

import (
	"fmt"
	"math"
)

// order is the n-th order with all that any generation has, in the types of one. Its columns choose from it.
func order(generation, n int) document {
	o := document{
		"id":       int64(1<<60 + n),
		"ratio":    1e300 / float64(n+3),
		"status":   []string{"NEW", "PAID", "SHIPPED", "RETURNED"}[n/3%(generation+1)],
		"title":    fmt.Sprint("späť ", n),
		"heading":  fmt.Sprint("späť ", n),
		"legacy":   int64(-n),
		"note":     null(n%5 == 0, fmt.Sprint("note ", n)),
		"code":     fmt.Sprintf("c%d", n),
		"region":   []string{"eu", "us", ""}[n/3%3],
		"memo":     null(n%2 == 0, fmt.Sprint("mémo ", n)),
		"made":     instant(1_700_000_000_123 + int64(n)),
		"raw":      null(generation > 1 && n%4 == 0, []byte{0xff, 0, byte(n)}),
		"score":    null(n%7 == 0, 0.5+float64(n)),
		"total":    document{"cents": int64(n) * 1_000_000_007, "currency": "EUR", "scale": int64(2 + n%3)},
		"customer": customer(generation, n),
		"lines":    lines(generation, n),
		"tags":     table{},
	}
	if generation == 1 { // narrower types
		o["id"], o["ratio"] = int64(math.MinInt32+n), float32(1)/float32(n+3)
	}
	for i := range n % 3 {
		o["tags"].(table)[fmt.Sprint("t", i)] = document{"weight": whole(generation, n+i), "kind": fmt.Sprint("kind ", i)}
	}
	return o
}

// whole is a number that only a long takes, from the second generation on.
func whole(generation, n int) int64 {
	if generation == 1 {
		return int64(n)
	}
	return 1<<40 + int64(n)
}

func null(is bool, v any) any {
	if is {
		return nil
	}
	return v
}

func customer(generation, n int) document {
	return document{
		"name": fmt.Sprint("name ", n), "visits": whole(generation, n), "email": null(n%2 == 1, fmt.Sprintf("%d@example.com", n)),
		"address": null(n%4 == 1, document{"street": fmt.Sprint("street ", n), "zip": null(n%2 == 0, "0815")}),
	}
}

func lines(generation, n int) []any {
	all := []any{}
	for i := range n % 4 {
		all = append(all, document{"sku": fmt.Sprint("sku-", n, "-", i), "count": whole(generation, i), "price": 0.25 * float64(i+1), "options": options(n + i)})
	}
	return all
}

func options(n int) []any {
	all := []any{}
	for i := range n % 3 {
		all = append(all, fmt.Sprint("option ", i))
	}
	return all
}
