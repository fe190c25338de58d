package dataset

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

func TestZZ(t *testing.T) {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := fields([]string{"x", "s", "d"}, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, dictionary)
	batch := record(t, schema, "[1,null,3]", `["a","b",null]`, `["p","q","p"]`)
	seeds := map[string][]byte{"t.parquet": parquetBytes(t, 2, batch), "t.arrow": arrowFileBytes(t, batch), "t.arrows": arrowStreamBytes(t, batch)}
	end := time.Now().Add(25 * time.Second)
	slow := 0
	n := 0
	for time.Now().Before(end) {
		for name, seed := range seeds {
			c := bytes.Clone(seed)
			for range 1 + rand.IntN(3) {
				i := rand.IntN(len(c))
				switch rand.IntN(3) {
				case 0:
					c[i] ^= 1 << rand.IntN(8)
				case 1:
					c[i] = 0xff
				case 2:
					c[i] = byte(rand.IntN(256))
				}
			}
			n++
			s := time.Now()
			timer := time.AfterFunc(2*time.Second, func() { pprof.Lookup("goroutine").WriteTo(os.Stdout, 2); os.WriteFile("/tmp/scr/slow-"+name, c, 0o600) })
			readAnything(t, name, c)
			timer.Stop()
			if d := time.Since(s); d > 300*time.Millisecond && slow < 20 {
				slow++
				fmt.Println("slow", name, d)
			}
		}
	}
	fmt.Println("runs", n)
}
