package app

import "github.com/infl-dev/infl/influence"

// question says which question the scores answer.
func question(a *answer) string {
	what := map[influence.Kind]string{influence.Loss: "loss", influence.Margin: "margin", influence.Probability: "probability"}[a.quantity.Kind]
	event := "if the row had been left out"
	if a.description.LabelEdit {
		event = "if the row's label had been the new one"
	}
	switch a.description.Method {
	case "boostin", "boostin-w1", "boostin-w2":
		if a.description.LabelEdit {
			return "how much more did each train row move this query's " + what + " while the trees were being fitted than it would have with the new label? (a trace of training; not what would happen with the label)"
		}
		return "how much did each train row move this query's " + what + " while the trees were being fitted? (a trace of training; not what would happen without the row)"
	case "boostin-lca":
		return "how much did each train row move this query's " + what + " while the trees were being fitted, also where they part ways in a tree? (a trace of training; not what would happen without the row)"
	case "leafinfluence":
		return "what would this query's " + what + " do " + event + ", with the trees' structure kept? (first order, through all later trees and other rows)"
	case "leafinfluence-single":
		return "what would this query's " + what + " do " + event + ", with the trees' structure kept and other rows unchanged? (first order)"
	case "label-gradient":
		return "how would this query's " + what + " move if the label of the row rose a little? (first order)"
	case "leafsim", "treesim":
		return "which train rows fall into the same small leaves as this query? (a similarity, not an effect)"
	case "inputsim":
		return "which train rows look like this query? (a similarity, not an effect)"
	case "loss":
		return "which train rows does the model itself disagree with? (the same for every query)"
	}
	if m, err := findMethod(a.description.Method); err == nil && m.tree == nil {
		return m.answers
	}
	return "none: " + a.description.Method + " is a control"
}
