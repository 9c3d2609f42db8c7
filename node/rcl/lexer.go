package rcl

import "strings"

// lexeme is a token of the little language of remap and parameter rules (rcl/lexer.h).
type lexeme int

const (
	noLexeme lexeme = iota
	endOfText
	tildeSlash     // ~/
	urlService     // rosservice://
	urlTopic       // rostopic://
	colon          // :
	nodeWord       // __node, __name
	namespaceWord  // __ns
	separator      // :=
	backReference  // \1 to \9
	token          // a name
	slash          // /
	wildcardSingle // *
	wildcardMulti  // **
	dot            // .
)

// nextLexeme finds the lexeme that text begins with and its length, 0 at the end of text only.
func nextLexeme(text string) (lexeme, int) {
	if text == "" {
		return endOfText, 0
	}
	second := byte(0)
	if len(text) > 1 {
		second = text[1]
	}
	// A broken two-character lexeme swallows its second character too.
	pair := func(ok bool, kind lexeme) (lexeme, int) {
		if ok {
			return kind, 2
		}
		return noLexeme, min(2, len(text))
	}
	switch c := text[0]; {
	case c == '/':
		return slash, 1
	case c == '.':
		return dot, 1
	case c == '\\':
		return pair(second >= '1' && second <= '9', backReference)
	case c == '~':
		return pair(second == '/', tildeSlash)
	case c == '*' && second == '*':
		return wildcardMulti, 2
	case c == '*':
		return wildcardSingle, 1
	case c == ':' && second == '=':
		return separator, 2
	case c == ':':
		return colon, 1
	case c == '_' && second == '_':
		return reservedWord(text)
	case strings.HasPrefix(text, "rostopic://"):
		return urlTopic, len("rostopic://")
	case strings.HasPrefix(text, "rosservice://"):
		return urlService, len("rosservice://")
	case c == '_' || isAlphanumeric(c) && !isDecimalDigit(c):
		return token, tokenLength(text)
	}
	return noLexeme, 1
}

// reservedWord reads what begins with two underscores.
func reservedWord(text string) (lexeme, int) {
	longest := 0
	for word, kind := range map[string]lexeme{"__ns": namespaceWord, "__node": nodeWord, "__name": nodeWord} {
		if strings.HasPrefix(text, word) {
			return kind, len(word)
		}
		n := 0
		for n < len(word) && n < len(text) && text[n] == word[n] {
			n++
		}
		longest = max(longest, n)
	}
	return noLexeme, min(longest+1, len(text))
}

// tokenLength: alphanumerics with single underscores between; two in a row end the token.
func tokenLength(text string) int {
	n := 1
	for n < len(text) && (isAlphanumeric(text[n]) || text[n] == '_' && text[n-1] != '_') {
		n++
	}
	return n
}

// scanner reads lexemes one after another.
type scanner struct {
	text string
	at   int // byte index of the next lexeme
}

func (s *scanner) rest() string { return s.text[s.at:] }

func (s *scanner) peek() lexeme {
	kind, _ := nextLexeme(s.rest())
	return kind
}

// peekSecond is the lexeme after the next.
func (s *scanner) peekSecond() lexeme {
	_, n := nextLexeme(s.rest())
	kind, _ := nextLexeme(s.text[s.at+n:])
	return kind
}

// accept moves past the next lexeme where it is of this kind.
func (s *scanner) accept(kind lexeme) bool {
	next, n := nextLexeme(s.rest())
	if next != kind {
		return false
	}
	s.at += n
	return true
}

// skip moves past the next lexeme, whatever it is.
func (s *scanner) skip() {
	_, n := nextLexeme(s.rest())
	s.at += n
}
