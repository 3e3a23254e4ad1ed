// Audits a published log with golang.org/x/mod/sumdb (packages tlog and note), which knows nothing of ours.
//
//	verify FOLDER VKEY [SEEN [PROOF]]
//
// SEEN: an earlier checkpoint, of which the log must be the continuation. PROOF: a tlog-proof file to hold against it.
// Exit code 1 and a line where anything is wrong.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type folder string

func (f folder) Height() int { return 8 }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(f), path(tile)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

// path turns sumdb's tile/8/0/000 into tlog-tiles' tile/0/000, and its data tiles into bundles of entries.
func path(tile tlog.Tile) string {
	name := strings.TrimPrefix(tile.Path(), "tile/8/")
	return "tile/" + strings.Replace(name, "data/", "entries/", 1)
}

func checkpoint(file, vkey string) (tree tlog.Tree, err error) {
	said, err := os.ReadFile(file)
	if err != nil {
		return tree, err
	}
	return opened(said, vkey)
}

func opened(said []byte, vkey string) (tree tlog.Tree, err error) {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return tree, err
	}
	signed, err := note.Open(said, note.VerifierList(key))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != key.Name() {
		return tree, errors.New("not a checkpoint of this log")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// entries reads one bundle and holds each entry against the log's authenticated hashes.
func entries(f folder, tile tlog.Tile, hashes tlog.HashReader) error {
	tile.L = -1
	data, err := os.ReadFile(filepath.Join(string(f), path(tile)))
	if err != nil {
		return err
	}
	var indexes []int64
	for at := 0; at < tile.W; at++ {
		indexes = append(indexes, tlog.StoredHashIndex(0, tile.N<<8+int64(at)))
	}
	recorded, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for at := 0; at < tile.W; at++ {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return errors.New("a bundle is cut off")
		}
		length := int(binary.BigEndian.Uint16(data))
		if recorded[at] != tlog.RecordHash(data[2:2+length]) {
			return fmt.Errorf("entry %d is not the one that was logged", tile.N<<8+int64(at))
		}
		data = data[2+length:]
	}
	if len(data) != 0 {
		return errors.New("a bundle holds more than it says")
	}
	return nil
}

func audit(f folder, vkey, seen string) error {
	tree, err := checkpoint(filepath.Join(string(f), "checkpoint"), vkey)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, f)
	for start := int64(0); start < tree.N; start += 256 {
		width := 256
		if tree.N-start < 256 {
			width = int(tree.N - start)
		}
		if err := entries(f, tlog.Tile{H: 8, L: 0, N: start >> 8, W: width}, hashes); err != nil {
			return err
		}
	}
	if root, err := tlog.TreeHash(tree.N, hashes); err != nil || root != tree.Hash {
		return fmt.Errorf("the tiles do not give the root (%v)", err)
	}
	if seen == "" {
		return nil
	}
	before, err := checkpoint(seen, vkey)
	if err != nil {
		return err
	}
	if before.N > tree.N {
		return errors.New("rolled back")
	}
	if before.N == tree.N {
		if before.Hash != tree.Hash {
			return errors.New("rewritten")
		}
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, before.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash)
}

// proved checks a tlog-proof file: this very proof, made by us, with their function.
func proved(file, vkey string) error {
	said, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, signed, _ := strings.Cut(string(said), "\n\n")
	lines := strings.Split(head, "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	tree, err := opened([]byte(signed), vkey)
	if err != nil {
		return err
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func main() {
	given := append(os.Args[1:], "", "", "", "")
	err := audit(folder(given[0]), given[1], given[2])
	if err == nil && given[3] != "" {
		err = proved(given[3], given[1])
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
