# Thin names over ./run, which does the same where make is missing.
# Arguments: make test ARGS='-k dates'
.PHONY: help serve test check format golden bench setup lock clean
help serve test check format golden bench setup lock clean:
	@./run $@ $(ARGS)
