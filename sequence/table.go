package sequence

import "hash/maphash"

// table finds the lane of a key: open addressing with linear probing. A cell
// holds the upper half of the key's hash and the lane's number plus one, or 0;
// there are no pointers in it.
type table struct {
	seed  maphash.Seed
	cells []uint64
	used  int
}

func newTable() table { return table{seed: maphash.MakeSeed(), cells: make([]uint64, 64)} }

func (t *table) hash(key string) uint64 { return maphash.String(t.seed, key) }

func cell(hash uint64, lane uint32) uint64 { return hash&^(1<<32-1) | uint64(lane+1) }

// find returns the lane of a key whose hash is given.
func (t *table) find(lanes []lane, key string, hash uint64) (n uint32, ok bool) {
	mask := uint64(len(t.cells) - 1)
	for i := hash & mask; t.cells[i] != 0; i = (i + 1) & mask {
		if c := t.cells[i]; c>>32 == hash>>32 {
			if n := uint32(c) - 1; lanes[n].key == key {
				return n, true
			}
		}
	}
	return 0, false
}

// put adds a lane that is not in the table.
func (t *table) put(lanes []lane, hash uint64, n uint32) {
	if 2*(t.used+1) > len(t.cells) {
		old := t.cells
		t.cells = make([]uint64, 2*len(old))
		for _, c := range old {
			if c != 0 {
				t.place(lanes[uint32(c)-1].hash, c)
			}
		}
	}
	t.used++
	t.place(hash, cell(hash, n))
}

func (t *table) place(hash, c uint64) {
	mask := uint64(len(t.cells) - 1)
	i := hash & mask
	for t.cells[i] != 0 {
		i = (i + 1) & mask
	}
	t.cells[i] = c
}

// remove takes a lane out and closes the gap, so that no probe ends early.
func (t *table) remove(lanes []lane, n uint32) {
	mask := uint64(len(t.cells) - 1)
	i := lanes[n].hash & mask
	for uint32(t.cells[i])-1 != n {
		i = (i + 1) & mask
	}
	t.used--
	for k := (i + 1) & mask; t.cells[k] != 0; k = (k + 1) & mask {
		home := lanes[uint32(t.cells[k])-1].hash & mask
		if (k-home)&mask >= (k-i)&mask { // it may stand at i
			t.cells[i] = t.cells[k]
			i = k
		}
	}
	t.cells[i] = 0
}
