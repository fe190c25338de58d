package lightgbm

import "bytes"

var pandasPrefix = []byte("pandas_categorical:")

// readTail reads what follows the trees: feature importances, which are
// skipped, the parameters of training and the category lists.
func (p *parser) readTail() error {
	for !p.ended {
		switch {
		case string(p.line) == "parameters:":
			if err := p.readParameters(); err != nil {
				return err
			}
		case bytes.HasPrefix(p.line, pandasPrefix):
			if err := p.readCategories(bytes.TrimPrefix(p.line, pandasPrefix)); err != nil {
				return err
			}
		case len(p.line) == 0, bytes.HasPrefix(p.line, []byte("feature")) && bytes.HasSuffix(p.line, []byte("importances:")):
		case bytes.HasPrefix(p.line, treePrefix) || string(p.line) == "tree":
			return p.fail("", "another tree or model begins after the end of the trees")
		case bytes.IndexByte(p.line, '=') < 0:
			return p.fail("", "%v after the trees", notA("line that is known", p.line))
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	return nil
}

// readParameters reads lines "[name: value]" up to the end of the parameters.
func (p *parser) readParameters() error {
	p.settings.known = true
	p.settings.values = map[string]value{}
	for {
		if err := p.advance(); err != nil {
			return err
		}
		if p.ended {
			return p.failAt(0, "parameters", `the file ends before "end of parameters"; it is truncated`)
		}
		if string(p.line) == "end of parameters" {
			return nil
		}
		inner, ok := bytes.CutPrefix(p.line, []byte("["))
		if !ok {
			if len(p.line) == 0 {
				continue
			}
			return p.fail("parameters", "%v", notA("line [name: value]", p.line))
		}
		inner, ok = bytes.CutSuffix(inner, []byte("]"))
		key, text, cut := bytes.Cut(inner, []byte(":"))
		if !ok || !cut {
			return p.fail("parameters", "%v", notA("line [name: value]", p.line))
		}
		if settingKeys[string(key)] {
			p.settings.values[string(key)] = value{string(bytes.TrimSpace(text)), p.lines.number}
		}
	}
}
