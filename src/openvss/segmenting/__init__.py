"""The streaming core: frames in, a word for every pixel out, in bounded memory."""
