// Alerts and a workbook. What they ask stands in alerts.json and workbook.json, where the tests read it too; each
// alert has its entry in docs/operate.md.

param token string
param location string
param tags object
param workspaceId string
param alertEmail string

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-apimend-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'apimend'
    enabled: true
    emailReceivers: empty(alertEmail) ? [] : [{ name: 'operators', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

resource alert 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [
  for item in loadJsonContent('alerts.json'): {
    name: 'apimend-${item.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Apimend: ${item.title}'
      description: '${item.description} Runbook: docs/operate.md, "${item.runbook}".'
      severity: item.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: item.frequency
      windowSize: item.window
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: item.query
            timeAggregation: 'Count'
            operator: item.operator
            threshold: item.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [people.id] }
      // The tables appear with the first record that the app sends.
      skipQueryValidation: true
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'apimend-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Apimend'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: loadTextContent('workbook.json')
  }
}

output actionGroupId string = people.id
