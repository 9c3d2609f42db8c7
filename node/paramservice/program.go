package paramservice

// Set sets parameters as a client of set_parameters_atomically does: all or none, under the
// same rules, announced and told alike. It is for the program itself, from any goroutine; the
// error is the reason of the refusal. Not to be called by Allow, Changed, or inside Do.
func (s *Server) Set(list []Assignment) error {
	s.beginSetting()
	return s.assign(list)
}
