"""One module for each way of playing; `writers.WRITERS` names them."""
