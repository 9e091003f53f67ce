"""Jobs, queues and schedules as the API shows and steers them."""
