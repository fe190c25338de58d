package kernel

// int8TileGeneric writes the scores of int8Rows train rows with a group of
// queries, over so many steps: the definition of [Int8Dots].
func int8TileGeneric(steps int, x []int8, ldx int, scale []float32, lds int, g *int8Group, out []float32, ldo int) {
	const blockSteps = Int8Block / int8Unit
	for i := range int8Rows {
		row := x[i*ldx:][:steps*int8Unit]
		for j := range g.count {
			var score float32
			for b := 0; b*blockSteps < steps; b++ {
				var sum int32
				for s := b * blockSteps; s < min((b+1)*blockSteps, steps); s++ {
					query := g.numbers[(s*g.count+j)*int8Unit:][:int8Unit]
					for l, v := range row[s*int8Unit:][:int8Unit] {
						sum += int32(v) * int32(query[l])
					}
				}
				score = fma32(float32(scale[i*lds+b]*g.scales[b*g.count+j]), float32(sum), score)
			}
			out[i*ldo+j] = score
		}
	}
}
