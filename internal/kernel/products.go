package kernel

//go:generate go -C _gen run . -family products -out ../products_amd64.s -stubs ../products_stubs_amd64.go -pkg kernel

// addProducts adds products of two vectors to a third of the same length:
//
//	dst[i] = dst[i] + x[i]·y[i]
//
// each rounded once.
func addProducts[F Float](dst, x, y []F) {
	x, y = x[:len(dst)], y[:len(dst)]
	done := addProductsVector(dst, x, y)
	for i := done; i < len(dst); i++ {
		dst[i] = fma(x[i], y[i], dst[i])
	}
}
