package kernel

func addRowsGeneric(leaf []uint32, a, v, s []float64, width int) {
	for i, l := range leaf {
		ai := a[i]
		from, to := v[int(l)*width:][:width], s[i*width:][:width]
		for j := range to {
			to[j] += float64(ai * from[j])
		}
	}
}

func pullRowsGeneric(from, to []uint32, a, v, s, sum []float64, width int) {
	for i, l := range from {
		ai := a[i]
		value, row, total := v[int(l)*width:][:width], s[i*width:][:width], sum[int(to[i])*width:][:width]
		for j := range row {
			x := row[j] - float64(ai*value[j])
			row[j] = x
			total[j] += x
		}
	}
}

func pullRowsSharedGeneric(from, to []uint32, a, v, p, total, s, sum []float64, width int) {
	for i, l := range from {
		ai, pi := a[i], p[i]
		value, row, all := v[int(l)*width:][:width], s[i*width:][:width], total[i*width:][:width]
		target := sum[int(to[i])*width:][:width]
		for j := range row {
			x := row[j] - (float64(ai*value[j]) - float64(pi*all[j]))
			row[j] = x
			target[j] += x
		}
	}
}
