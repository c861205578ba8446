{{/* The configuration's sizes (512MiB, 1.5GB, 1073741824), in bytes. */}}
{{- define "shadoof.bytes" -}}
{{- if not (kindIs "string" .) -}}
{{- int64 . -}}
{{- else -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" . -}}
{{- $unit := trimPrefix $number . | trim -}}
{{- $units := dict "" 1 "B" 1 "kB" 1000 "KB" 1000 "MB" 1000000 "GB" 1000000000 "TB" 1000000000000 "KiB" 1024 "MiB" 1048576 "GiB" 1073741824 "TiB" 1099511627776 -}}
{{- if or (not $number) (not (hasKey $units $unit)) -}}
{{- fail (printf "memory: %q is not a size such as 512MiB or 1GiB" .) -}}
{{- end -}}
{{- mulf (float64 $number) (get $units $unit) | int64 -}}
{{- end -}}
{{- end -}}

{{/* The most that a process takes: 1.3 times its memory and 64 MiB, in whole MiB. */}}
{{- define "shadoof.limit" -}}
{{- $bytes := include "shadoof.bytes" . | int64 -}}
{{- if lt $bytes 67108864 -}}
{{- fail (printf "memory: %v is too little: 64MiB is the least" .) -}}
{{- end -}}
{{- printf "%dMi" (add (divf (mulf $bytes 1.3) 1048576 | ceil | int64) 64) -}}
{{- end -}}

{{/* The configuration's durations (25s, 1m30s, 7d), in whole seconds. */}}
{{- define "shadoof.seconds" -}}
{{- $text := toString . -}}
{{- if not (regexMatch "^([0-9]+([.][0-9]+)?(ms|d|h|m|s))+$" $text) -}}
{{- fail (printf "shutdown_grace: %q is not a duration such as 25s or 2m" $text) -}}
{{- end -}}
{{- $sum := 0.0 -}}
{{- $seconds := dict "d" 86400 "h" 3600 "m" 60 "s" 1 "ms" 0.001 -}}
{{- range regexFindAll "[0-9]+([.][0-9]+)?(ms|d|h|m|s)" $text -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $sum = addf $sum (mulf (float64 (trimSuffix $unit .)) (get $seconds $unit)) -}}
{{- end -}}
{{- ceil $sum | int64 -}}
{{- end -}}
