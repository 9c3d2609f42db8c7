package demo

import "strings"

// plain characters mean themselves in a shell, wherever they are in a word.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:=,@%"

// commandLine returns what to type into a POSIX shell to run a program, args[0], in an
// environment.
func commandLine(environment, args []string) string {
	words := append([]string(nil), environment...) // names and values need no quotes
	for _, a := range args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

func quote(word string) string {
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
