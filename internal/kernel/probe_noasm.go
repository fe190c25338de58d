//go:build !amd64 || noasm || purego

package kernel

func multiplyAdds[F Float]() (run func(steps int), each int) {
	return multiplyAddGeneric[F], genericChains
}

func read(data []byte) uint64 { return readGeneric(data) }
