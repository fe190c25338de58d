package ekfac

import "github.com/infl-dev/infl/influence/dataset"

// layoutOf lists the tensors of each file of a folder of factors, in order.
func layoutOf(h *head) (files []string, tensors map[string][]dataset.Tensor) {
	tensors = map[string][]dataset.Tensor{}
	add := func(file, key, dtype string, shape ...int64) {
		if tensors[file] == nil {
			files = append(files, file)
		}
		numbers := int64(1)
		for _, n := range shape {
			numbers *= n
		}
		tensors[file] = append(tensors[file], dataset.Tensor{Name: key, Dtype: dtype, Shape: shape, Bytes: 8 * numbers})
	}
	if h.Method != Diagonal {
		for _, x := range factorsOf(h.Modules) {
			d := int64(x.size)
			add(x.covariance, x.key, "F64", d, d)
			add(x.count, x.key, "I64", 1)
			add(x.values, x.key, "F64", d)
			add(x.vectors, x.key, "F64", d, d)
		}
	}
	if h.Method != KFAC {
		for i := range h.Modules {
			m := &h.Modules[i]
			add(lambdaMatrix, m.Name, "F64", m.Out, m.Columns())
			add(lambdaExamples, m.Name, "I64", 1)
		}
	}
	return files, tensors
}

// counts are the numbers of rows and examples of the files of counts, by file and key.
func (h *head) counts() map[[2]string]int64 {
	out := map[[2]string]int64{}
	for i := range h.Modules {
		m := &h.Modules[i]
		out[[2]string{inputRows, m.Name}] = m.Rows
		out[[2]string{outputRows, m.Name}] = m.Rows
		out[[2]string{lambdaExamples, m.Name}] = m.Examples
	}
	return out
}
