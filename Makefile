# Each target calls ./run, which does the same without make.
# Arguments: make test ARGS='-k dates'
.PHONY: help serve preview test slow check format golden bench judge fuzz s3 judges release docs setup lock clean
help serve preview test slow check format golden bench judge fuzz s3 judges release docs setup lock clean:
	@./run $@ $(ARGS)
