package ui

import (
	"fmt"
	"strings"
)

// Ranges writes ascending numbers, those that follow each other as one: 0-3,5.
func Ranges(numbers []int32) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if part := fmt.Sprint(numbers[i]); j == i {
			parts = append(parts, part)
		} else {
			parts = append(parts, fmt.Sprintf("%s-%d", part, numbers[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}
