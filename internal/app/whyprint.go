package app

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
)

// answerTable gives the machine-readable form of answers.
func answerTable(answers []answer) *Table {
	t := &Table{Fields: []string{
		"query_key", "query_row", "output", "prediction", "query_label", "verdict", "method", "of", "positive_means",
		"side", "rank", "train_key", "train_row", "score", "share", "trace", "train_label", "differs", "fields", "retraining",
	}}
	for _, a := range answers {
		for _, r := range a.rows {
			fields := make(map[string]string, len(a.columns))
			for c, name := range a.columns {
				fields[name] = r.fields[c]
			}
			var output any
			if a.output != nil {
				output = *a.output
			}
			differs := r.differ
			if differs == nil {
				differs = []string{}
			}
			var trace any
			if r.trace != nil {
				trace = *r.trace
			}
			var again any
			if a.retraining != nil {
				again = a.retraining
			}
			t.Add(a.key, a.row, output, a.prediction, a.label, string(a.verdict.Verdict), a.description.Method, a.quantity.String(), a.description.PositiveMeans,
				r.side, r.rank, r.key, r.row, r.score, r.share, trace, r.label, differs, fields, again)
		}
	}
	return t
}

// printAnswers writes answers for a person at a terminal.
func printAnswers(s Streams, answers []answer) error {
	var b bytes.Buffer
	for i := range answers {
		if i > 0 {
			b.WriteByte('\n')
		}
		writeAnswer(&b, &answers[i], s.width())
	}
	_, err := s.Out.Write(b.Bytes())
	return err
}

func writeAnswer(b *bytes.Buffer, a *answer, width int) {
	fmt.Fprintf(b, "query %s: the model predicts %s", a.key, a.prediction)
	if a.label != "" {
		fmt.Fprintf(b, "; its label is %s", a.label)
	}
	b.WriteByte('\n')
	if a.outputName != "" {
		fmt.Fprintf(b, "about the %s of %s\n", a.quantity.Kind, a.outputName)
	}
	if len(a.fields) > 0 {
		wrap(b, "  ", fieldTexts(a.columns, a.fields), width)
	}
	fmt.Fprintf(b, "model: %s\n", verdictText(a.verdict))
	fmt.Fprintf(b, "question: %s\n", question(a))
	if a.retraining != nil {
		fmt.Fprintf(b, "retraining: %s\n", a.retraining.text())
	}
	fmt.Fprintf(b, "balance: %s\n", balance(a))
	traced := len(a.rows) > 0 && a.rows[0].trace != nil
	if traced {
		b.WriteString("trace: how much the row moved the query while the trees were being fitted (boostin)\n")
	}
	side := ""
	for _, r := range a.rows {
		if r.side != side {
			side = r.side
			fmt.Fprintf(b, "\n%s: %s\n", side, meaning(a, side))
			fmt.Fprintf(b, "%4s  %11s  %6s  %s%-12s  %-12s  %s\n", "rank", "score", "share", traceColumn(traced, "trace"), "train row", "label", "differs from the query in")
		}
		trace := ""
		if traced {
			trace = fmt.Sprintf("%.4g", *r.trace)
		}
		line := fmt.Sprintf("%4d  %11.4g  %5.1f%%  %s%-12s  %-12s  ", r.rank, r.score, 100*r.share, traceColumn(traced, trace), r.key, r.label)
		b.WriteString(line)
		b.WriteString(differences(a, r, max(width-len(line), 60)))
		b.WriteByte('\n')
	}
	if len(a.rows) == 0 {
		b.WriteString("no train row has any influence on this query\n")
	}
}

// traceColumn is a cell of the column of traces, where there is one.
func traceColumn(there bool, text string) string {
	if !there {
		return ""
	}
	return fmt.Sprintf("%11s  ", text)
}

// verdictText says in one line whether the file was understood.
func verdictText(f *gbdt.Fidelity) string {
	switch f.Verdict {
	case gbdt.Exact:
		from := "the train table"
		if f.RowMasks {
			from += " and the rows that each tree saw"
		}
		return fmt.Sprintf("exact: all %d leaf values of %d trees were recomputed from %s (largest difference %.1g of a tree's largest leaf)", f.Leaves, f.TreesChecked, from, f.LeafDeviation)
	default:
		return fmt.Sprintf("%s: %s", f.Verdict, strings.Join(f.Reasons, "; "))
	}
}

// balance says how many train rows stand on either side.
func balance(a *answer) string {
	up, down := "have a score above 0", "below"
	if a.description.Signed {
		up, down = "help", "harm"
		if a.quantity.Kind != influence.Loss {
			up, down = "push up", "push down"
		}
	}
	return fmt.Sprintf("of %d train rows %d %s and %d %s; the former make up %.0f %% of all influence", a.train, a.helps, up, a.harms, down, 100*a.positiveShare)
}

func meaning(a *answer, side string) string {
	if side == "harmful" || side == "down" || side == "low" {
		return a.description.NegativeMeans
	}
	return a.description.PositiveMeans
}

// differences lists "column value≠query's value" until the width is used up.
func differences(a *answer, r taught, width int) string {
	if len(a.columns) == 0 {
		return ""
	}
	if len(r.differ) == 0 {
		return "(nothing: the same values)"
	}
	at := make(map[string]int, len(a.columns))
	for c, name := range a.columns {
		at[name] = c
	}
	var line string
	for i, name := range r.differ {
		c := at[name]
		part := fmt.Sprintf("%s %s≠%s", name, orMissing(r.fields[c]), orMissing(a.fields[c]))
		if i > 0 {
			part = ", " + part
		}
		rest := fmt.Sprintf(" … +%d", len(r.differ)-i)
		if len([]rune(line+part+rest)) > width && i > 0 {
			return line + rest
		}
		line += part
	}
	return line
}

func orMissing(s string) string {
	if s == "" {
		return "missing"
	}
	return s
}

func fieldTexts(columns, fields []string) []string {
	out := make([]string, len(columns))
	for c := range columns {
		out[c] = columns[c] + "=" + orMissing(fields[c])
	}
	return out
}

// wrap writes words over as many lines as they need.
func wrap(b *bytes.Buffer, indent string, words []string, width int) {
	line := indent
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		if len([]rune(line))+1+len([]rune(w)) > width && line != indent {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += w + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
