package app

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// TextOptions are what methods on texts and --prefilter have beside.
type TextOptions struct {
	Text   string // column of the texts
	Tokens string // "words" or "blanks"

	Prefilter                      string // KIND:N or @FILE
	PrefilterTrain, PrefilterQuery string // what it compares, where that is not --train and --query
}

// tokenizer returns what cuts texts.
func (o *TextOptions) tokenizer() influence.Tokenizer {
	if o.Tokens == "blanks" {
		return influence.Blanks
	}
	return influence.Words
}

// validateText lists what is wrong with the flags of a method or a filter that
// compares texts.
func (o *TextOptions) validateText(who string) error {
	if o.Text == "" {
		return fmt.Errorf("--text is needed: the column of the texts that %s compares", who)
	}
	if o.Tokens != "" && o.Tokens != "words" && o.Tokens != "blanks" {
		return fmt.Errorf("--tokens %q is not known; use words or blanks", o.Tokens)
	}
	return nil
}

// setText returns the flags about texts that are set.
func (o *TextOptions) setText() []string {
	var out []string
	if o.Text != "" {
		out = append(out, "--text")
	}
	if o.Tokens != "" {
		out = append(out, "--tokens")
	}
	return out
}

// A textTable is a table with a column of texts, and what else is read beside it.
type textTable struct {
	*dataset.Table
	text, key, group string

	keys   *dataset.Keys
	groups *dataset.Groups // nil without a column of groups
}

func openTexts(c *Common, path, text string) (*textTable, error) {
	t, err := dataset.Open(path, dataset.Options{Workers: c.Workers})
	if err != nil {
		return nil, err
	}
	return &textTable{Table: t, text: text}, nil
}

// read shows all texts, in parts, and keeps keys and groups.
func (t *textTable) read(ctx context.Context, visit func(texts []string) error) error {
	b, err := t.Bind(dataset.Binding{Key: t.key, Group: t.group, Extra: []string{t.text}})
	if err != nil {
		return err
	}
	groups, rows := &dataset.Groups{}, int64(0)
	for f, err := range b.Frames(ctx) {
		if err != nil {
			return err
		}
		if t.group != "" {
			groups.Add(f.Group)
		}
		rows += int64(f.N)
		if err := visit(f.Text[0]); err != nil {
			return err
		}
	}
	t.keys = dataset.RowKeys(rows)
	if t.key != "" {
		t.keys = b.Keys()
	}
	if t.group != "" {
		t.groups = groups
	}
	return nil
}

// indexTexts reads the texts of the queries and then those of the train rows.
func indexTexts(ctx context.Context, c *Common, train, query *textTable, tokens influence.Tokenizer, p *Progress) (*influence.WordIndex, error) {
	budget, err := c.memory()
	if err != nil {
		return nil, err
	}
	var queries []string
	if err := query.read(ctx, func(texts []string) error { queries = append(queries, texts...); return nil }); err != nil {
		return nil, err
	}
	x := influence.NewWordIndex(queries, tokens)
	err = train.read(ctx, func(texts []string) error {
		if err := x.Add(ctx, c.Workers, texts); err != nil {
			return err
		}
		p.Add(int64(len(texts)))
		if x.Bytes() > budget/2 {
			return fmt.Errorf("the words that the first %d train rows share with the queries take more than half of --memory %s; raise it, or score fewer queries at a time", x.Documents(), formatBytes(budget))
		}
		return nil
	})
	return x, err
}
