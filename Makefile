# Thin names over ./run, which does the same where make is missing.
# Arguments: make test ARGS='-k dates'
.PHONY: help serve preview test slow check format golden bench judge fuzz s3 judges release docs setup lock clean
help serve preview test slow check format golden bench judge fuzz s3 judges release docs setup lock clean:
	@./run $@ $(ARGS)
