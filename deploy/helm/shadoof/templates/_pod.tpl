{{/*
The metadata and spec of a pod. Context: root, component, args, memory, and where they apply env, restartPolicy, ports, probes.
*/}}
{{- define "shadoof.pod" -}}
{{- $v := .root.Values -}}
{{- $checksum := include "shadoof.checksum" .root -}}
metadata:
  labels:
    {{- include "shadoof.selector" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with $v.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or $checksum $v.podAnnotations }}
  annotations:
    {{- if $checksum }}
    checksum/config: {{ $checksum }}
    {{- end }}
    {{- with $v.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  serviceAccountName: {{ include "shadoof.serviceAccount" .root }}
  automountServiceAccountToken: {{ $v.serviceAccount.automountToken }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "shadoof.grace" .root }}
  securityContext:
    {{- toYaml $v.podSecurityContext | nindent 4 }}
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: shadoof
      image: {{ include "shadoof.image" .root | quote }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      args:
        {{- range .args }}
        - {{ . | quote }}
        {{- end }}
      {{- $env := concat (default list .env) $v.env }}
      {{- with $env }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .ports }}
      ports:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .probes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      resources:
        {{- $limit := include "shadoof.limit" .memory }}
        {{- $memory := dict "requests" (dict "memory" $limit) "limits" (dict "memory" $limit) }}
        {{- toYaml (mergeOverwrite $memory (deepCopy $v.resources)) | nindent 8 }}
      securityContext:
        {{- toYaml $v.securityContext | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/shadoof, readOnly: true}
        {{- range $v.secretFiles }}
        - {name: {{ printf "secret-%s" .name }}, mountPath: /secrets/{{ .name }}, readOnly: true}
        {{- end }}
        {{- with $v.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "shadoof.configMap" .root }}
        {{- if $v.files }}
        items:
          - {key: shadoof.yaml, path: shadoof.yaml}
          {{- range $path, $_ := $v.files }}
          - {key: {{ include "shadoof.fileKey" $path | quote }}, path: {{ $path | quote }}}
          {{- end }}
        {{- end }}
    {{- range $v.secretFiles }}
    - name: secret-{{ .name }}
      secret:
        secretName: {{ default .name .secretName }}
        defaultMode: 0440
        {{- with .items }}
        items:
          {{- toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
    {{- with $v.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
{{- end -}}
