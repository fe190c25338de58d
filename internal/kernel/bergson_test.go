package kernel

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/goldentest"
)

// Values of numpy 2.4.6: numpy.random.PCG64(seed).random_raw(3).
func TestNumpyPCG64(t *testing.T) {
	for seed, want := range map[uint64][3]uint64{
		0:         {0xa30febcfd9c2825f, 0x4510bdf882d9d721, 0x0a7d3da94ecde8b8},
		1:         {0x8306bdf37922e4ff, 0xf35196bbc152a866, 0x24e7a4f608ec18cd},
		1 << 32:   {0xe3c5ebe285ac1625, 0x8ea09968fe31dbcc, 0xcd084ff84d8de9be},
		1<<63 - 2: {0xa90302e232287e8c, 0x367b3034047ed008, 0x4edbd6d2bc90b8f2},
	} {
		p := newNumpyPCG64(seed)
		require.Equal(t, want, [3]uint64{p.next(), p.next(), p.next()}, "seed %d", seed)
	}
}

// Values of numpy 2.4.6: with seed = int.from_bytes(md5(identifier), "big") %
// (2**63-1), Generator(PCG64(seed)).bytes(n).
func TestBergsonSigns(t *testing.T) {
	for identifier, want := range map[string]struct {
		seed  uint64
		bytes string
	}{
		"h.0.attn.c_attn/left":  {3820603906084767201, "59a6c369394bcc02cd8ec05019ead985"},
		"h.0.attn.c_attn/right": {6307222072355976780, "8a8fff2820217b6b81b95bf7e00c52b7"},
		"fc/left":               {6577038479724402987, "c42d6eea636b761c54658c3c5046a95e"},
		"":                      {1277653728798287499, "8dbf250082"},
		"é/single":              {8299355302350199291, "b4af13e6e0dbbb3340"},
	} {
		require.Equal(t, want.seed, bergsonSeed(identifier))
		const rows = 4
		cols := len(want.bytes) // four signs a digit
		for _, scale := range []BergsonScale{BergsonJL, BergsonRowNorm} {
			m32, m64 := NewMatrix[float32](rows, cols), NewMatrix[float64](rows, cols)
			Bergson(identifier, scale, m32)
			Bergson(identifier, scale, m64)
			divisor := float64(rows)
			if scale == BergsonRowNorm {
				divisor = float64(cols)
			}
			packed := make([]byte, rows*cols/8)
			for k, x := range m64.Data {
				require.Equal(t, 1/math.Sqrt(divisor), math.Abs(x))
				require.Equal(t, 1/float32(math.Sqrt(divisor)), float32(math.Abs(float64(m32.Data[k]))))
				require.Equal(t, x < 0, m32.Data[k] < 0)
				if x > 0 {
					packed[k/8] |= 0x80 >> (k % 8)
				}
			}
			require.Equal(t, want.bytes, fmt.Sprintf("%x", packed))
		}
	}
}

// The matrices are torch's, see PROVENANCE.md beside them.
func TestBergsonNormal(t *testing.T) {
	all := tensors(t, filepath.Join("testdata", "bergson_normal", "normal.safetensors"))
	require.Len(t, all, 32)
	for name, want := range all {
		scaleName, identifier, _ := strings.Cut(name, ":")
		scale, units := BergsonJL, 0
		if scaleName == "row_norm" {
			scale, units = BergsonRowNorm, 4
		}
		rows, cols := want.Shape[0], want.Shape[1]
		got := Matrix[float32]{Data: make([]float32, rows*(cols+1)), Rows: rows, Cols: cols, Stride: cols + 1}
		BergsonNormal(identifier, scale, got)
		for k, x := range want.Data {
			apart := int(math.Float32bits(float32(x))) - int(math.Float32bits(got.At(k/cols, k%cols)))
			require.LessOrEqual(t, max(apart, -apart), units, "%s, number %d", name, k)
		}
	}
}

// TestBergsonNormalLarge goes through many states of the generator.
func TestBergsonNormalLarge(t *testing.T) {
	m := NewMatrix[float32](16, 4099)
	BergsonNormal("large/left", BergsonJL, m)
	var bytes []byte
	for _, x := range m.Data {
		bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(x))
	}
	require.Equal(t, "4adea8c4f0b725567984d174f418089779d0ae4c100d1ac2ddb5103ceff8467e", fmt.Sprintf("%x", sha256.Sum256(bytes)))
}

// tensors reads the tensors of a golden safetensors file as float64.
func tensors(t *testing.T, path string) map[string]goldentest.Array {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	end := 8 + binary.LittleEndian.Uint64(b)
	var header map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(b[8:end], &header))
	delete(header, "__metadata__")
	out := map[string]goldentest.Array{}
	for name, text := range header {
		var h struct {
			Dtype   string
			Shape   []int
			Offsets [2]uint64 `json:"data_offsets"`
		}
		require.NoError(t, json.Unmarshal(text, &h))
		data := b[end+h.Offsets[0] : end+h.Offsets[1]]
		a := goldentest.Array{Shape: h.Shape}
		switch h.Dtype {
		case "I8":
			for _, x := range data {
				a.Data = append(a.Data, float64(int8(x)))
			}
		case "F32":
			for ; len(data) > 0; data = data[4:] {
				a.Data = append(a.Data, float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))
			}
		default:
			continue
		}
		out[name] = a
	}
	return out
}

// The golden was made with bergson's own function, see its README.
func TestBergsonGolden(t *testing.T) {
	dir := filepath.Join(goldentest.Dir(t, "neural"), "bergson_mlp", "expected")
	for name, want := range tensors(t, filepath.Join(dir, "signs.safetensors")) {
		got := NewMatrix[float64](want.Shape[0], want.Shape[1])
		Bergson(name, BergsonJL, got)
		for k, sign := range want.Data {
			require.Equal(t, sign/4, got.Data[k], "%s, entry %d", name, k)
		}
	}
}

// Gradients of mlp_optdigits, one row an example, projected module by module.
func TestBergsonProjectionGolden(t *testing.T) {
	const p, n = 16, 60
	dir := goldentest.Dir(t, "neural")
	capture := tensors(t, filepath.Join(dir, "mlp_optdigits", "capture", "train", "00000.safetensors"))
	want, err := goldentest.NPY(filepath.Join(dir, "bergson_mlp", "expected", "projected_train.npy"))
	require.NoError(t, err)
	require.Equal(t, []int{n, 2 * p * p}, want.Shape)
	head := func(name string) Matrix[float32] {
		a := capture[name]
		m := NewMatrix[float32](n, a.Shape[1])
		for k := range m.Data {
			m.Data[k] = float32(a.Data[k])
		}
		return m
	}
	start := make([]int, n+1)
	for i := range start {
		start[i] = i
	}
	largest := 0.0
	for _, x := range want.Data {
		largest = max(largest, math.Abs(x))
	}
	for k, module := range []string{"layers.0", "layers.1"} {
		g, a := head("g/"+module), head("a/"+module)
		left, right := NewMatrix[float32](p, g.Cols), NewMatrix[float32](p, a.Cols)
		Bergson(module+"/left", BergsonJL, left)
		Bergson(module+"/right", BergsonJL, right)
		out := NewMatrix[float32](n, p*p)
		ProjectOuter(2, MatrixProjector{left}, MatrixProjector{right}, g, a, start, out)
		for e := range n {
			for j, x := range out.Row(e) {
				require.InDelta(t, want.Data[e*2*p*p+k*p*p+j], x, 1e-5*largest, "%s, example %d", module, e)
			}
		}
	}
}
