package lifesign

// #include "lifesign.h"
import "C"

import "unsafe"

// listAll calls until the array is large enough, which others that come
// meanwhile may delay. prepare tells the engine which layout an element has; nil
// if it is a bare number.
func listAll[T any](prepare func(*T), list func(places *T, capacity C.size_t, count *C.size_t, detail *C.lifesign_error) C.lifesign_result) ([]T, error) {
	var places []T
	for {
		for i := range places {
			if prepare != nil {
				prepare(&places[i])
			}
		}
		var count C.size_t
		detail := newErrorDetail()
		result := list(unsafe.SliceData(places), C.size_t(len(places)), &count, &detail.c)
		err := detail.result(result)
		switch {
		case err == nil:
			return places[:count], nil
		case result == C.LIFESIGN_BUFFER_TOO_SMALL:
			places = make([]T, int(count)+int(count)/8+8)
		default:
			return nil, err
		}
	}
}
